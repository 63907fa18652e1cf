// A guest's page tables, reached by its linear map: where a gva leads, and its C-bit. APM vol. 2, 5.3 and 15.34.5.
import * as Pte from "../abi/pte.ts";
import { CheckFailed } from "../error.ts";
import type { Cpu, Step } from "./cpu.ts";
import type { PageTables, Translation } from "./sev.ts";

const bit = (position: number) => 1n << BigInt(position);
const FRAME = ((1n << BigInt(Pte.FRAME_WIDTH)) - 1n) << BigInt(Pte.FRAME_LSB);
const PAGE = 0xfffn;
const LARGE = 0x1fffffn;
const TOP = 3;

interface Leaf {
  /** The gva of the entry. */
  at: bigint;
  entry: bigint;
  large: boolean;
}

export class LinearPageTables implements PageTables {
  readonly #linear: bigint;
  readonly #cBit: bigint;
  readonly #bytes = new Uint8Array(8);
  readonly #word = new DataView(this.#bytes.buffer);

  /** `linear` is the gva of gpa 0, where every table is mapped; `cBit` the C-bit's mask. */
  constructor(linear: bigint, cBit: bigint) {
    this.#linear = linear;
    this.#cBit = cBit;
  }

  *translate(cpu: Cpu, gva: bigint): Step<Translation | undefined> {
    const leaf = yield* this.#leaf(cpu, gva);
    if (!leaf) return undefined;
    const within = leaf.large ? LARGE : PAGE;
    return {
      gpa: (leaf.entry & FRAME & ~this.#cBit & ~within) | (gva & within),
      encrypted: (leaf.entry & this.#cBit) !== 0n,
      large: leaf.large,
    };
  }

  *setEncrypted(cpu: Cpu, gva: bigint, encrypted: boolean): Step {
    const leaf = yield* this.#leaf(cpu, gva);
    if (!leaf) throw new CheckFailed(`gva 0x${gva.toString(16)}: the guest maps nothing there`);
    const entry = encrypted ? leaf.entry | this.#cBit : leaf.entry & ~this.#cBit;
    this.#word.setBigUint64(0, entry, true);
    yield* cpu.write(leaf.at, this.#bytes);
  }

  *#leaf(cpu: Cpu, gva: bigint): Step<Leaf | undefined> {
    let table = cpu.registers.cr3;
    for (let level = TOP; level >= 0; level--) {
      const index = (gva >> BigInt(12 + 9 * level)) & 511n;
      const at = this.#linear + (table & FRAME & ~this.#cBit) + 8n * index;
      yield* cpu.read(at, this.#bytes);
      const entry = this.#word.getBigUint64(0, true);
      if ((entry & bit(Pte.PRESENT_BIT)) === 0n) return undefined;
      const large = level === 1 && (entry & bit(Pte.LARGE_BIT)) !== 0n;
      if (large || level === 0) return { at, entry, large };
      table = entry;
    }
    return undefined;
  }
}
