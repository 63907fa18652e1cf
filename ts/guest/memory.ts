// Guest physical memory as the guest's kernel hands it out: 2 MiB regions in order, small pages cut from them.
import { BadInput } from "../error.ts";

const PAGE = 0x1000n;
export const REGION = 0x200000n;

export class GuestMemory {
  readonly #end: bigint;
  #next: bigint;
  #small = 0n;
  #smallEnd = 0n;

  /** From `first` on. */
  constructor(bytes: bigint, first = 0n) {
    this.#end = bytes;
    this.#next = first;
  }

  /** A fresh 2 MiB region. */
  region(): bigint {
    const gpa = this.#next;
    if (gpa + REGION > this.#end) {
      throw new BadInput(`guest memory: all ${this.#end} bytes are in use; give the guest more`);
    }
    this.#next += REGION;
    return gpa;
  }

  /** Small pages left in the region they are cut from. */
  get left(): number {
    return Number((this.#smallEnd - this.#small) / PAGE);
  }

  /** Cuts small pages from this region from now on. */
  cutFrom(region: bigint): void {
    this.#small = region;
    this.#smallEnd = region + REGION;
  }

  /** A fresh 4 KiB page; there must be one left. */
  small(): bigint {
    const gpa = this.#small;
    this.#small += PAGE;
    return gpa;
  }
}
