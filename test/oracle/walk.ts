// The nested walk by recursion over a map of table words, every address a bigint. APM vol. 2, 5.3, 15.25, 15.34 and 15.36.
import { bit } from "../core.ts";
import type { Access, Rmp } from "./rmp.ts";

/** The machine and the vCPU, as far as a walk sees them. */
export interface World {
  /** Every table entry, by spa, as its owner reads it. */
  words: Map<bigint, bigint>;
  cBit: bigint;
  addressBits: number;
  dram: bigint;
  sev: boolean;
  rmp?: Rmp;
  asid: number;
  vmpl: number;
  user: boolean;
  paging: boolean;
  cr3: bigint;
  ncr3: bigint;
}

/** A refusal: #VMEXIT or exception with its code, two words of information and the gpa it happened at. */
export class Refused extends Error {
  readonly exit: readonly [kind: number, code: bigint, info1: bigint, info2: bigint, gpa: bigint];
  constructor(...exit: Refused["exit"]) {
    super(`exit ${exit}`);
    this.exit = exit;
  }
}

const [P, W, U, RSV, FETCH, RMP] = [bit(0), bit(1), bit(2), bit(3), bit(4), bit(31)];
const [A, D, PS, NX, FINAL, TABLE, ENC] = [
  bit(5),
  bit(6),
  bit(7),
  bit(63),
  bit(32),
  bit(33),
  bit(34),
];
const low = (bits: number | bigint) => (1n << BigInt(bits)) - 1n;

export class Walker {
  readonly visited: bigint[] = [];
  readonly #world: World;
  readonly #frame: bigint;

  constructor(world: World) {
    this.#world = world;
    this.#frame = low(world.addressBits) & ~0xfffn;
  }

  /** The key slot (undefined: none) and spa of an access, or throws Refused. */
  access(gva: bigint, access: Access): { spa: bigint; key: number | undefined } {
    const { sev, asid } = this.#world;
    const { gpa, priv } = this.#guest(gva, access);
    const { spa, encrypted } = this.#nested(gpa, access, priv, FINAL, gva);
    return { spa, key: priv && sev ? asid : encrypted ? 0 : undefined };
  }

  #guest(gva: bigint, access: Access): { gpa: bigint; priv: boolean } {
    const { words, sev, user, paging, cr3, cBit } = this.#world;
    if (BigInt.asUintN(64, BigInt.asIntN(48, gva)) !== gva) throw new Refused(2, 13n, 0n, gva, 0n);
    if (!paging) return { gpa: gva, priv: sev };
    const fault = (bits: bigint) =>
      new Refused(2, 14n, bits | kind(access) | (user ? U : 0n), gva, 0n);
    let table = cr3 & this.#frame;
    let all = ~0n;
    let any = 0n;
    for (let level = 3n; ; level--) {
      const entryGpa = table + ((gva >> (12n + 9n * level)) & 511n) * 8n;
      const { spa } = this.#nested(entryGpa, "read", sev, TABLE, gva);
      const entry = words.get(spa) ?? 0n;
      if (!(entry & P)) throw fault(0n);
      const leaf = level === 0n || (entry & PS) !== 0n;
      if (this.#reserved(entry, level, sev)) throw fault(P | RSV);
      all &= entry;
      any |= entry;
      const denied =
        (access === "write" && !(all & W)) ||
        (access === "fetch" && any & NX) ||
        (user && !(all & U));
      if (leaf && denied) throw fault(P);
      const noted = entry | A | (leaf && access === "write" ? D : 0n);
      if (noted !== entry) this.#nested(entryGpa, "write", sev, TABLE, gva);
      this.#note(spa, noted);
      table = entry & this.#frame;
      if (!leaf) continue;
      const inside = level === 1n ? 0x1fffffn : 0xfffn;
      return {
        gpa: (table & ~inside) | (gva & inside),
        priv: sev && (access === "fetch" || (entry & cBit) !== 0n),
      };
    }
  }

  #nested(
    gpa: bigint,
    access: Access,
    enc: boolean,
    stage: bigint,
    gva: bigint,
  ): { spa: bigint; encrypted: boolean } {
    const { words, cBit, dram, ncr3, rmp, asid, vmpl, user, sev } = this.#world;
    const error = U | kind(access) | stage | (enc ? ENC : 0n);
    const npf = (bits: bigint) => new Refused(1, 0x400n, error | bits, gpa, gpa);
    if (gpa & ~low(this.#world.addressBits)) throw npf(P | RSV);
    let table = ncr3 & this.#frame;
    let all = ~0n;
    let any = 0n;
    for (let level = 3n; ; level--) {
      if (table >= dram) throw npf(P | RSV);
      const at = table + ((gpa >> (12n + 9n * level)) & 511n) * 8n;
      const entry = words.get(at) ?? 0n;
      if (!(entry & P)) throw npf(0n);
      const leaf = level === 0n || (entry & PS) !== 0n;
      if (this.#reserved(entry, level, true)) throw npf(P | RSV);
      all &= entry;
      any |= entry;
      const denied =
        !(all & U) || (access === "write" && !(all & W)) || (access === "fetch" && any & NX);
      if (leaf && denied) throw npf(P);
      this.#note(at, entry | A | (leaf && access === "write" ? D : 0n));
      table = entry & this.#frame;
      if (!leaf) continue;
      const inside = level === 1n ? 0x1fffffn : 0xfffn;
      const spa = (table & ~inside) | (gpa & inside);
      if (spa >= dram) throw npf(P | RSV);
      const page = Number(spa >> 12n);
      if (rmp && enc && sev) {
        const seen = rmp.check(page, gpa & ~0xfffn, asid, vmpl, access, user, level === 1n);
        if (seen === "#VC") throw new Refused(2, 29n, 0x404n, gva, gpa);
        if (seen) throw npf(seen & ~(FINAL | ENC));
      } else if (rmp?.shared(page, access, level === 1n)) throw npf(P | RMP);
      return { spa, encrypted: (entry & cBit) !== 0n };
    }
  }

  #reserved(entry: bigint, level: bigint, encryptable: boolean): boolean {
    const beyond = low(52) & ~low(this.#world.addressBits) & ~(encryptable ? this.#world.cBit : 0n);
    const large = level > 0n && (entry & PS) !== 0n;
    return (entry & beyond) !== 0n || (large && (level > 1n || (entry & 0x1fe000n) !== 0n));
  }

  #note(spa: bigint, entry: bigint): void {
    this.visited.push(spa);
    this.#world.words.set(spa, entry);
  }
}

const kind = (access: Access): bigint => (access === "write" ? W : access === "fetch" ? FETCH : 0n);
