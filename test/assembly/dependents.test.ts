// What a write to a table drops: a step each, and where the pages are told apart from the tables, so that what is dropped by
// chance with something else does not count. Random steps are in walk-cache.test.ts.
import * as Code from "../../ts/abi/exit.ts";
import type { Exit } from "../../ts/port.ts";
import {
  ACCESSED,
  bit,
  DIRTY,
  hex,
  LARGE,
  LARGE_LEAF,
  OPEN,
  PAGE,
  PRESENT,
  pattern,
} from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("what hangs on a table");

// In regions of 2 MiB whose numbers are not 0.
const GPA = 0xc0_40a0_0000n;
const BIG = 0xc0_4120_0000n;
const GVA = 0x70_c0a0_0000n;
const generations = ["none", "sev", "sev-snp"] as const;
type Generation = (typeof generations)[number];

const word = (value: bigint) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

class Guest extends Lab {
  readonly spas: bigint[] = [];

  /** A guest with private pages whose memory is in another 2 MiB than all tables; each says its number. */
  constructor(generation: Generation, pages = 4n) {
    super({ generation, chip: "milan" });
    const memory = this.large();
    for (let i = 0n; i < pages; i++) {
      const spa = memory + i * PAGE;
      this.nest(GPA + i * PAGE, spa);
      if (this.snp) this.own(spa, GPA + i * PAGE);
      this.spas.push(spa);
      this.map(GVA + i * PAGE, this.leaf(i));
    }
    this.load();
    for (let i = 0n; i < pages; i++) this.write(GVA + i * PAGE, pattern(16, Number(i)));
  }

  leaf(page: bigint): bigint {
    return (GPA + page * PAGE) | OPEN | this.cBit;
  }

  /** Where the guest's entry of a level for an address is, in the table that GVA has there. */
  entry(gva: bigint, level: bigint): bigint {
    const table = this.core.host.nestedEntry(this.root, this.gpaOfTable(GVA, level));
    return (table & 0xf_ffff_f000n) + ((gva >> (12n + 9n * level)) & 511n) * 8n;
  }

  point(gva: bigint, level: bigint, entry: bigint): void {
    assert.ok(this.core.firmware.write(this.entry(gva, level), this.key, word(entry)));
  }

  /** What is read is the page of this number. */
  is(gva: bigint, page: number, where: string): void {
    const seen = this.read(gva);
    assert.ok(seen instanceof Uint8Array, `${where}: refused`);
    assert.is(hex(seen as Uint8Array), hex(pattern(16, page)), where);
  }

  isGone(gva: bigint, where: string): void {
    assert.is((this.read(gva) as Exit).code, BigInt(Code.VMEXIT_NPF), where);
  }
}

test("a nested page mapped anew is found anew, wherever it is", () => {
  for (const generation of generations) {
    const guest = new Guest(generation);
    const other = guest.large() + 7n * PAGE;
    if (guest.snp) guest.own(other, GPA);
    guest.core.firmware.write(other, guest.key, pattern(16, 7));
    guest.is(GVA, 0, generation);
    guest.nest(GPA, other);
    guest.is(GVA, 7, generation);
    guest.flipNested(GPA, 0n, PRESENT);
    guest.isGone(GVA, generation);
  }
});

test("a pointer of the nested tables that goes takes every walk below it along", () => {
  for (const generation of generations) {
    for (const level of [1n, 2n, 3n]) {
      const guest = new Guest(generation);
      const where = `${generation}, level ${level}`;
      for (const page of [0n, 3n]) guest.is(GVA + page * PAGE, Number(page), where);
      guest.flipNested(GPA, level, PRESENT);
      for (const page of [0n, 1n, 3n]) guest.isGone(GVA + page * PAGE, where);
      guest.flipNested(GPA, level, PRESENT);
      for (const page of [0n, 3n]) guest.is(GVA + page * PAGE, Number(page), where);
    }
  }
});

test("a nested page of 2 MiB mapped anew is found anew, each page of it", () => {
  for (const generation of generations) {
    const guest = new Guest(generation);
    const gva = GVA + 8n * LARGE;
    const halves = [guest.large(), guest.large()] as const;
    guest.map(gva, BIG | OPEN | guest.cBit, true);
    const { firmware } = guest.core;
    const places = [0n, 5n, 511n];
    for (const [index, spa] of halves.entries()) {
      if (guest.snp) guest.own(spa, BIG, true);
      for (const page of places)
        firmware.write(spa + page * PAGE, guest.key, pattern(16, 20 * index + Number(page)));
    }
    for (const index of [0, 1, 0]) {
      guest.nest(BIG, halves[index] as bigint, OPEN, true);
      for (const page of places)
        guest.is(gva + page * PAGE, 20 * index + Number(page), `${generation}, ${page}`);
    }
    guest.flipNested(BIG, 1n, PRESENT);
    for (const page of places) guest.isGone(gva + page * PAGE, generation);
  }
});

test("a guest's entry of 2 MiB that changes is found anew, each page of it", () => {
  for (const generation of generations) {
    const guest = new Guest(generation);
    const gva = GVA + 8n * LARGE;
    const places = [0n, 5n, 511n];
    for (const index of [0n, 1n]) {
      const spa = guest.back(BIG + index * LARGE, true);
      for (const page of places) {
        const data = pattern(16, Number(20n * index + page));
        guest.core.firmware.write(spa + page * PAGE, guest.key, data);
      }
    }
    for (const index of [0n, 1n, 0n]) {
      guest.point(gva, 1n, (BIG + index * LARGE) | OPEN | LARGE_LEAF | guest.cBit);
      for (const page of places)
        guest.is(gva + page * PAGE, Number(20n * index + page), `${generation}, ${page}`);
    }
  }
});

test("a table that two entries point at changes for walks through both", () => {
  const again = GVA + 5n * LARGE;
  for (const generation of generations) {
    const guest = new Guest(generation);
    guest.point(again, 1n, guest.gpaOfTable(GVA, 0n) | OPEN | guest.cBit);
    for (const page of [0n, 1n, 0n]) {
      guest.point(GVA, 0n, guest.leaf(page));
      for (const gva of [again, GVA]) guest.is(gva, Number(page), generation);
    }
  }
});

test("a page that the guest wrote before it was a table is a table for whoever writes it", () => {
  const again = GVA + 5n * LARGE;
  for (const generation of generations) {
    const guest = new Guest(generation);
    assert.is(guest.write(GVA + 3n * PAGE, word(guest.leaf(0n))), true);
    guest.point(again, 1n, guest.leaf(3n));
    for (const page of [0n, 1n, 0n]) {
      assert.is(guest.write(GVA + 3n * PAGE, word(guest.leaf(page))), true);
      guest.is(again, Number(page), generation);
    }
  }
});

test("a guest's table written as a whole, or twice with no walk in between, is found anew", () => {
  for (const generation of generations) {
    const guest = new Guest(generation);
    const at = guest.entry(GVA, 0n);
    const pair = (first: bigint, second: bigint) => {
      const bytes = new Uint8Array(0x1000 - Number(at & 0xfffn));
      bytes.set(word(guest.leaf(first)), 0);
      bytes.set(word(guest.leaf(second)), 8);
      return bytes;
    };
    for (const [first, second] of [
      [1n, 0n],
      [2n, 3n],
      [0n, 1n],
    ] as const) {
      assert.ok(guest.core.firmware.write(at, guest.key, pair(first, second)));
      guest.is(GVA, Number(first), generation);
      guest.is(GVA + PAGE, Number(second), generation);
      guest.point(GVA, 0n, guest.leaf(second));
      guest.point(GVA + PAGE, 0n, guest.leaf(first));
      guest.is(GVA, Number(second), generation);
      guest.is(GVA + PAGE, Number(first), generation);
    }
  }
});

test("a guest that changes an entry, walks, and changes another loses only the walks through those two", () => {
  const guest = new Guest("sev");
  const walks = () => guest.core.events().WALKS;
  for (const page of [0n, 1n, 2n]) guest.is(GVA + page * PAGE, Number(page), "at first");
  for (const page of [0n, 1n, 0n, 1n]) {
    const before = walks();
    guest.point(GVA + page * PAGE, 0n, guest.leaf(1n - page));
    guest.is(GVA + 2n * PAGE, 2, "the third");
    assert.is(walks(), before, "not through the third");
    guest.is(GVA + page * PAGE, Number(1n - page), "the changed");
    assert.is(walks(), before + 1n);
  }
});

test("a guest's table that RMPUPDATE takes away ends the walks through it", () => {
  for (const level of [0n, 1n, 2n, 3n]) {
    const guest = new Guest("sev-snp");
    guest.is(GVA, 0, `level ${level}`);
    const table = level === 3n ? guest.cr3 : guest.gpaOfTable(GVA, level);
    const spa = guest.core.host.nestedEntry(guest.root, table) & 0xf_ffff_f000n;
    const free = { gpa: 0n, assigned: false, pageSize: "4k", immutable: false, asid: 0 } as const;
    assert.is(guest.core.host.rmpupdate(spa, free), 0);
    guest.isGone(GVA, `level ${level}`);
  }
});

test("a guest's table that the host writes over as ciphertext is read anew", () => {
  const guest = new Guest("sev");
  for (const page of [0n, 1n]) guest.is(GVA + page * PAGE, Number(page), "at first");
  assert.ok(guest.core.host.write(guest.entry(GVA, 0n), word(0n)));
  const seen = guest.read(GVA);
  assert.not.ok(seen instanceof Uint8Array && hex(seen) === hex(pattern(16, 0)));
});

test("a private page that the host has read as ciphertext is the guest's plaintext again", () => {
  for (const generation of ["sev", "sev-snp"] as const) {
    const guest = new Guest(generation);
    for (const page of [0n, 1n, 0n]) {
      const into = new Uint8Array(16);
      assert.ok(guest.core.host.read(guest.spas[Number(page)] as bigint, into));
      assert.is.not(hex(into), hex(pattern(16, Number(page))));
      guest.is(GVA + page * PAGE, Number(page), generation);
    }
  }
});

test("an entry that gets a reserved bit is refused, though its table is known and the entry was followed", () => {
  for (const generation of generations) {
    const guest = new Guest(generation);
    const reserved = bit(49);
    guest.is(GVA, 0, generation);
    guest.flipNested(GPA, 0n, reserved);
    const nested = guest.read(GVA) as Exit;
    const fault = [nested.code, (nested.info1 >> BigInt(Code.RESERVED_BIT)) & 1n];
    assert.equal(fault, [BigInt(Code.VMEXIT_NPF), 1n], generation);
    guest.flipNested(GPA, 0n, reserved);
    guest.is(GVA, 0, generation);
    guest.point(GVA, 0n, guest.leaf(0n) | ACCESSED | DIRTY | reserved);
    // Another walk has read the table since it was written.
    guest.core.host.flushAsid(guest.asid);
    guest.is(GVA + PAGE, 1, generation);
    const own = guest.read(GVA) as Exit;
    assert.equal([own.code, (own.info1 >> BigInt(Code.RESERVED_BIT)) & 1n], [14n, 1n], generation);
  }
});
