// A guest whose mappings, tables and RMP entries anybody may change, and put right again.
import type { ChipName, Generation } from "../../dist/index.js";
import * as Record from "../../ts/abi/record.ts";
import * as Replay from "../../ts/abi/replay.ts";
import type { VcpuContext } from "../../ts/port.ts";
import { hex, LARGE, OPEN, PAGE } from "../core.ts";
import { assert } from "../kit.ts";
import { Lab } from "../lab.ts";

export const DRAM = 0x800_0000n;
// Neither begins where the marks of tables begin to count.
export const GPA = 0x2060_0000n;
export const BIG = 0x3000_0000n;
export const GVA = 0x7040_0000n;
export const PAGES = 12;
// The lowest table of the pages, and the one above it, as the guest itself reaches them.
export const TABLE = GVA + 0x40_0000n;
export const ABOVE = TABLE + PAGE;
export const ALIAS = GVA + 8n * LARGE;
export const DATA_TABLE = GVA + 9n * LARGE;
export const FRAME = 0xf_ffff_f000n;
const OPS = { read: Record.LOAD, write: Record.STORE_8, fetch: Record.FETCH };
export const word = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

/** One machine, and steps whose parameters come from outside. */
export class Scene {
  readonly lab: Lab;
  readonly spas: bigint[] = [];
  readonly larges: bigint[] = [];
  readonly others: bigint[] = [];
  readonly #forgets: boolean;
  readonly #flipped = new Map<bigint, bigint>();

  constructor(chip: ChipName, generation: Generation, forgets: boolean, lab?: Lab) {
    this.lab = lab ?? new Lab({ generation, chip, dram: DRAM });
    this.#forgets = forgets;
    for (let i = 0n; i < PAGES; i++) this.spas.push(this.lab.back(GPA + i * PAGE));
    for (let i = 0n; i < 2n; i++) this.larges.push(this.lab.back(BIG + i * LARGE, true));
    for (let i = 0; i < 4; i++) this.others.push(this.lab.small());
    this.#map();
    this.lab.load();
  }

  /** One access; what came of it. */
  access(kind: "read" | "write" | "fetch", gva: bigint, data: Uint8Array): string {
    const { lab } = this;
    this.forget();
    const seen = kind === "write" ? lab.write(gva, data) : lab[kind](gva, data.length);
    if (seen === true) return "written";
    if (seen instanceof Uint8Array) return hex(seen);
    const { kind: how, code, info1, info2, gpa } = seen;
    return [how, code, info1, info2, gpa].join(" ");
  }

  /** The same by a record of the replay, of 8 bytes within a page; what a load folded is in the digest. */
  replayed(kind: "read" | "write" | "fetch", gva: bigint): string {
    const { replay, exit } = this.lab.core.guest;
    this.forget();
    const record = new DataView(new ArrayBuffer(Record.SIZE));
    record.setBigUint64(Record.GVA, gva & ~7n, true);
    record.setUint32(Record.BYTES, 8, true);
    record.setUint8(Record.OP, OPS[kind]);
    replay.fill(new Uint8Array(record.buffer), 0n);
    if (replay.run(0, 1).stop === Replay.DONE) return `${replay.digest()}`;
    const { kind: how, code, info1, info2, gpa } = exit();
    return [how, code, info1, info2, gpa].join(" ");
  }

  /** The guest's mappings as they should be. */
  #map(): void {
    const { cBit } = this.lab;
    for (let i = 0n; i < PAGES; i++) this.lab.map(GVA + i * PAGE, (GPA + i * PAGE) | OPEN | cBit);
    for (let i = 0n; i < 4n; i++) {
      const gpa = BIG + (i & 1n) * LARGE + (i >> 1n) * 3n * PAGE;
      this.lab.map(GVA + LARGE + i * PAGE, gpa | OPEN | cBit);
    }
    this.lab.map(TABLE, this.lab.gpaOfTable(GVA, 0n) | OPEN | cBit);
    this.lab.map(ABOVE, this.lab.gpaOfTable(GVA, 1n) | OPEN | cBit);
    // The lowest table once more, for other addresses; and a page of data that is also a table.
    this.above(ALIAS, this.lab.gpaOfTable(GVA, 0n));
    this.above(DATA_TABLE, GPA + 3n * PAGE);
  }

  /** Everything as it was in the beginning, by the hands of the host, the firmware and the probe. */
  repair(): void {
    const { lab, spas, larges } = this;
    for (const [at, entry] of this.#flipped) lab.core.host.write(at, word(entry));
    this.#flipped.clear();
    for (let level = 3n; level >= 0n && lab.snp; level--)
      lab.own(this.tableSpa(level), lab.gpaOfTable(GVA, level));
    spas.forEach((spa, i) => {
      lab.nest(GPA + BigInt(i) * PAGE, spa);
      if (lab.snp) lab.own(spa, GPA + BigInt(i) * PAGE);
    });
    larges.forEach((spa, i) => {
      lab.nest(BIG + BigInt(i) * LARGE, spa, OPEN, true);
    });
    this.#map();
    lab.load();
  }

  load(change: Partial<VcpuContext>): void {
    this.lab.load(change);
  }

  /** Nothing that was remembered is used from here on, where the machine is the one that walks every time. */
  forget(): void {
    if (this.#forgets) for (const asid of [1, 2]) this.lab.core.host.flushAsid(asid);
  }

  /** Sets the entry for an address in the table above the lowest. */
  above(gva: bigint, table: bigint): void {
    const { lab } = this;
    const spa = lab.core.host.nestedEntry(lab.root, lab.gpaOfTable(GVA, 1n)) & FRAME;
    const entry = word(table | OPEN | lab.cBit);
    assert.ok(lab.core.firmware.write(spa + ((gva >> 21n) & 511n) * 8n, lab.key, entry));
  }

  /** The page behind one of the guest's tables. */
  tableSpa(level: bigint): bigint {
    return this.lab.core.host.nestedEntry(this.lab.root, this.lab.gpaOfTable(GVA, level)) & FRAME;
  }

  /** The kernel writes an entry of its own tables. */
  guestWrite(gva: bigint, entry: bigint): string {
    this.load({});
    this.forget();
    const seen = this.lab.write(gva, word(entry));
    return seen === true ? "written" : `${seen.code} ${seen.info1} ${seen.gpa}`;
  }

  /** The hypervisor changes bits of the nested entry of a level for a gpa. */
  flip(gpa: bigint, level: bigint, bits: bigint): boolean {
    const { host } = this.lab.core;
    const bytes = new Uint8Array(8);
    let entry = this.lab.root;
    let at = 0n;
    for (let above = 3n; above >= level; above--) {
      at = (entry & FRAME) + ((gpa >> (12n + 9n * above)) & 511n) * 8n;
      host.read(at, bytes);
      entry = new DataView(bytes.buffer).getBigUint64(0, true);
    }
    if (!this.#flipped.has(at)) this.#flipped.set(at, entry);
    return host.write(at, word(entry ^ bits));
  }

  chips(): string {
    const { lab } = this;
    lab.core.host.wbinvd();
    const all = new Uint8Array(Number(lab.next - 0x100_0000n));
    assert.ok(lab.core.dimm.read(0x100_0000n, all));
    return hex(all);
  }
}
