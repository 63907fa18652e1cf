// The hypervisor's stock of free system memory.
import { BadInput } from "../error.ts";

const PAGE = 0x1000n;
const LARGE = 0x200000n;

/** Hands out pages of system memory from the first megabytes up; large and small ones from regions of their own. What was given
 *  back is handed out first. */
export class Pages {
  readonly #end: bigint;
  #next = LARGE;
  #small = 0n;
  readonly #freeLarge: bigint[] = [];
  readonly #freeSmall: bigint[] = [];
  #smallEnd = 0n;

  constructor(dram: bigint) {
    this.#end = dram;
  }

  /** A free 2 MiB page. */
  large(): bigint {
    const free = this.#freeLarge.pop();
    if (free !== undefined) return free;
    const spa = this.#next;
    if (spa + LARGE > this.#end) throw new BadInput(`dram: all ${this.#end} bytes are given out`);
    this.#next += LARGE;
    return spa;
  }

  /** A free 4 KiB page. */
  small(): bigint {
    const free = this.#freeSmall.pop();
    if (free !== undefined) return free;
    if (this.#small === this.#smallEnd) {
      this.#small = this.large();
      this.#smallEnd = this.#small + LARGE;
    }
    const spa = this.#small;
    this.#small += PAGE;
    return spa;
  }

  /** Takes a page back that is the hypervisor's again. */
  give(spa: bigint, large: boolean): void {
    (large ? this.#freeLarge : this.#freeSmall).push(spa);
  }
}
