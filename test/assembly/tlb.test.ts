// Remembered walks: none may outlive what it depended on, none may serve another address space.
import * as Code from "../../ts/abi/exit.ts";
import * as Tlb from "../../ts/abi/tlb.ts";
import type { Exit } from "../../ts/port.ts";
import { Chance, hex, OPEN, PAGE, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("remembered walks");

const GPA = 0x20_0000n;
const GVA = 0x7000_0000n;
const generations = ["none", "sev", "sev-snp"] as const;

/** A guest with `pages` private pages from GVA on. */
function guest(generation: (typeof generations)[number] = "sev", pages = 2n) {
  const lab = new Lab({ generation, chip: "milan" });
  const spas = [];
  for (let i = 0n; i < pages; i++) {
    spas.push(lab.back(GPA + i * PAGE));
    lab.map(GVA + i * PAGE, (GPA + i * PAGE) | OPEN | lab.cBit);
  }
  lab.load();
  return { lab, spas };
}

const isGp = (seen: Uint8Array | true | Exit, gva: bigint) =>
  assert.equal(
    [(seen as Exit).kind, (seen as Exit).code, (seen as Exit).info1, (seen as Exit).gva],
    [Code.EXCEPTION, 13n, 0n, gva],
  );

test("a non-canonical address is refused even when its canonical neighbour was just used", () => {
  for (const generation of generations) {
    const { lab } = guest(generation);
    lab.write(GVA, pattern(16, 1));
    lab.fetch(GVA);
    for (let position = 48n; position < 64n; position++) {
      const gva = GVA | (1n << position);
      isGp(lab.read(gva), gva);
      isGp(lab.fetch(gva), gva);
      isGp(lab.write(gva, pattern(16, 2)), gva);
    }
    assert.is(hex(lab.read(GVA) as Uint8Array), hex(pattern(16, 1)));
  }
});

test("an access that runs out of the lower half is refused and changes nothing", () => {
  const lab = new Lab({ generation: "sev" });
  const [top, bottom] = [0x7fff_ffff_f000n, 0xffff_8000_0000_0000n];
  lab.back(GPA);
  lab.back(GPA + PAGE);
  lab.map(top, GPA | OPEN | lab.cBit);
  lab.map(bottom, (GPA + PAGE) | OPEN | lab.cBit);
  lab.load();
  lab.write(top, pattern(4096, 1));
  lab.write(bottom, pattern(4096, 2));
  isGp(lab.write(top + 4090n, pattern(16, 3)), 0x8000_0000_0000n);
  isGp(lab.read(top + 4090n, 16), 0x8000_0000_0000n);
  assert.is(hex(lab.read(top, 4096) as Uint8Array), hex(pattern(4096, 1)));
});

test("an access across two pages reads and writes both, whatever the offset and size", () => {
  const chance = new Chance(70n);
  for (const generation of generations) {
    const { lab } = guest(generation, 3n);
    const expected = new Uint8Array(3 * 4096);
    lab.write(GVA, expected);
    for (let step = 0; step < 300; step++) {
      const length = 1 + chance.below(chance.once(3) ? 4096 : 40);
      const at = chance.below(expected.length - length);
      const data = chance.bytes(length);
      expected.set(data, at);
      assert.is(lab.write(GVA + BigInt(at), data), true);
      if (chance.once(10)) lab.core.host.wbinvd();
      const from = chance.below(expected.length - length);
      const seen = lab.read(GVA + BigInt(from), length) as Uint8Array;
      assert.is(hex(seen), hex(expected.subarray(from, from + length)), "seed 70");
    }
  }
});

test("an access whose second page is refused leaves the first as it was", () => {
  const { lab, spas } = guest();
  lab.write(GVA, pattern(8192, 1));
  lab.map(GVA + PAGE, 0n);
  const seen = lab.write(GVA + 4090n, pattern(16, 2)) as Exit;
  assert.equal([seen.code, seen.gva, seen.info2], [14n, GVA + PAGE, GVA + PAGE]);
  assert.is(hex(lab.read(GVA, 4096) as Uint8Array), hex(pattern(8192, 1).subarray(0, 4096)));
  assert.is(spas.length, 2);
});

test("an access across two views of one page, private and shared, is as two accesses", () => {
  const straight = guest();
  const crossing = guest();
  for (const { lab } of [straight, crossing]) {
    lab.map(GVA + PAGE, GPA | OPEN);
    lab.write(GVA, pattern(4096, 1));
    lab.core.host.wbinvd();
  }
  const data = pattern(32, 2);
  straight.lab.write(GVA + 4080n, data.subarray(0, 16));
  straight.lab.write(GVA + PAGE, data.subarray(16));
  assert.is(crossing.lab.write(GVA + 4080n, data), true);
  const dram = ({ lab, spas }: typeof straight) => hex(lab.dram(spas[0]!, 4096));
  assert.is(dram(crossing), dram(straight));
  const halves = [
    straight.lab.read(GVA + 4080n, 16),
    straight.lab.read(GVA + PAGE, 16),
  ] as Uint8Array[];
  assert.is(hex(crossing.lab.read(GVA + 4080n, 32) as Uint8Array), halves.map(hex).join(""));
});

test("a guest that writes its own tables, even through themselves, is obeyed at once", () => {
  for (const generation of generations) {
    const { lab } = guest(generation);
    lab.write(GVA, pattern(16, 1));
    lab.write(GVA + PAGE, pattern(16, 2));
    // The lowest table seen through its own entry 100, and the gpa of that table from the level above.
    const window = (GVA & ~0x1f_ffffn) | (100n << 12n);
    const table = lab.gpaOfTable(GVA, 0n);
    lab.map(window, table | OPEN | lab.cBit);
    const entry = (leaf: bigint) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, leaf, true);
      return bytes;
    };
    const index = ((GVA >> 12n) & 511n) * 8n;
    for (const [page, salt] of [
      [1n, 2],
      [0n, 1],
      [1n, 2],
    ] as const) {
      assert.is(lab.write(window + index, entry((GPA + page * PAGE) | OPEN | lab.cBit)), true);
      assert.is(hex(lab.read(GVA) as Uint8Array), hex(pattern(16, salt)), generation);
    }
    assert.is(lab.write(window + 800n, entry(GPA | OPEN | lab.cBit)), true);
    assert.is(
      hex(lab.read(window) as Uint8Array),
      hex(pattern(16, 1)),
      `${generation}: the window itself`,
    );
  }
});

test("another CR3, nested root or paging mode under the same ASID sees its own memory", () => {
  for (const generation of generations) {
    const { lab } = guest(generation);
    lab.back(GVA);
    lab.write(GVA, pattern(16, 1));
    lab.load({ paging: false });
    assert.is(lab.write(GVA, pattern(16, 2)), true);
    lab.load();
    assert.is(hex(lab.read(GVA) as Uint8Array), hex(pattern(16, 1)), `${generation} paging`);
    lab.load({ cr3: GPA + PAGE });
    lab.write(GVA, pattern(16, 3));
    const seen = lab.read(GVA);
    assert.not.ok(
      seen instanceof Uint8Array && hex(seen) === hex(pattern(16, 1)),
      `${generation} CR3`,
    );
    lab.load({ ncr3: lab.small() });
    assert.is((lab.read(GVA) as Exit).code, 0x400n, `${generation} nCR3`);
    lab.load();
    assert.is(hex(lab.read(GVA) as Uint8Array), hex(pattern(16, 1)));
  }
});

test("pages known at several addresses, which take rows from each other, are forgotten when they are closed", () => {
  const chance = new Chance(71n);
  const pages = 5;
  const { lab, spas } = guest("sev-snp", BigInt(pages));
  const held = spas.map(() => new Uint8Array(4096));
  for (const spa of spas) lab.core.firmware.write(spa, lab.key, new Uint8Array(4096));
  // Each page again in the rows of its neighbours.
  const rows = BigInt(Tlb.ENTRIES) * PAGE;
  const views = [0, 1, 2].flatMap((way) =>
    held.map((_, page) => {
      const gva = GVA + BigInt(way) * rows + BigInt((page + way) % pages) * PAGE;
      lab.map(gva, (GPA + BigInt(page) * PAGE) | OPEN | lab.cBit);
      return { gva, page };
    }),
  );
  lab.load();
  for (let step = 0; step < 3000; step++) {
    const { gva, page } = chance.pick(views);
    const bytes = held[page] as Uint8Array;
    const at = chance.below(4096 - 16);
    if (chance.once(40)) lab.core.host.wbinvd();
    // A probe that changes nothing closes the page all the same.
    if (chance.once(6)) lab.core.dimm.write(spas[page]!, lab.dram(spas[page]!));
    if (chance.once(3)) {
      const data = chance.bytes(16);
      bytes.set(data, at);
      assert.is(lab.write(gva + BigInt(at), data), true);
    }
    const look = chance.once(2) ? lab.read : lab.fetch;
    const seen = look.call(lab, gva + BigInt(at)) as Uint8Array;
    assert.is(hex(seen), hex(bytes.subarray(at, at + 16)), `seed 71, step ${step}`);
  }
});

test("two ASIDs and two privilege levels at one address never meet each other's walks", () => {
  const { lab } = guest("sev");
  lab.core.firmware.installKey(2, pattern(16, 9), pattern(16, 9));
  lab.write(GVA, pattern(16, 1));
  lab.load({ asid: 2 });
  assert.not.ok(lab.read(GVA) instanceof Uint8Array, "the tables are garbage under another key");
  lab.load({ cpl: 3 });
  lab.map(GVA, GPA | 3n | lab.cBit);
  assert.is((lab.read(GVA) as Exit).info1, 5n, "a supervisor's page");
  lab.load();
  assert.is(hex(lab.read(GVA) as Uint8Array), hex(pattern(16, 1)));
  lab.load({ cpl: 3 });
  assert.is((lab.read(GVA) as Exit).info1, 5n);
});

test("flushing an ASID makes the next access walk, any number of times, and no other ASID's", () => {
  const { lab } = guest("sev");
  const walks = () => lab.core.events().WALKS;
  lab.read(GVA);
  for (let round = 0; round < 5000; round++) {
    const before = walks();
    lab.read(GVA);
    if (walks() !== before) assert.is(walks(), before);
    lab.core.host.flushAsid(round % 2 ? 1 : 3);
    lab.read(GVA);
    if (walks() !== before + BigInt(round % 2)) assert.is(walks(), before + BigInt(round % 2));
  }
});

test("a walk through a 2 MiB RMP entry does not outlive PSMASH: a nested page of 2 MiB no longer fits", () => {
  const lab = new Lab({ generation: "sev-snp" });
  const spa = lab.back(GPA, true);
  lab.map(GVA, GPA | OPEN | lab.cBit, true);
  lab.load();
  const places = [0n, 1n, 300n, 511n].map((page) => GVA + page * PAGE);
  for (const gva of places) assert.is(lab.write(gva, pattern(16, 1)), true);
  assert.is(lab.core.host.psmash(spa), 0);
  const fault = (1n << BigInt(Code.RMP_BIT)) | (1n << BigInt(Code.SIZEM_BIT));
  for (const gva of places) {
    const { code, info1 } = lab.read(gva) as Exit;
    assert.equal([code, info1 & fault], [BigInt(Code.VMEXIT_NPF), fault], `0x${gva.toString(16)}`);
  }
});

test("a page that the guest gives up by PVALIDATE is reached by no walk from before", () => {
  for (const large of [false, true]) {
    const lab = new Lab({ generation: "sev-snp" });
    lab.back(GPA, large);
    lab.map(GVA, GPA | OPEN | lab.cBit, large);
    lab.load();
    const places = large ? [0n, 1n, 511n].map((page) => GVA + page * PAGE) : [GVA];
    for (const gva of places) assert.is(lab.write(gva, pattern(16, 1)), true);
    assert.equal(lab.core.guest.pvalidate(GVA, large, false), { eax: 0, carry: false });
    for (const gva of places) {
      const { kind, code, info1 } = lab.read(gva) as Exit;
      const seen = [kind, code, info1];
      assert.equal(seen, [Code.EXCEPTION, BigInt(Code.VC), BigInt(Code.PAGE_NOT_VALIDATED)]);
      assert.is((lab.write(gva, pattern(16, 2)) as Exit).code, BigInt(Code.VC));
    }
  }
});

test("a page that RMPUPDATE takes back is reached by no private walk from before", () => {
  for (const large of [false, true]) {
    const lab = new Lab({ generation: "sev-snp" });
    const spa = lab.back(GPA, large);
    lab.map(GVA, GPA | OPEN | lab.cBit, large);
    lab.load();
    const places = large ? [0n, 1n, 511n].map((page) => GVA + page * PAGE) : [GVA];
    for (const gva of places) assert.is(lab.write(gva, pattern(16, 1)), true);
    const pageSize = large ? "2m" : "4k";
    const free = { gpa: 0n, assigned: false, pageSize, immutable: false, asid: 0 } as const;
    assert.is(lab.core.host.rmpupdate(spa, free), 0);
    for (const gva of places) {
      assert.is((lab.read(gva) as Exit).code, BigInt(Code.VMEXIT_NPF));
      assert.is((lab.write(gva, pattern(16, 2)) as Exit).code, BigInt(Code.VMEXIT_NPF));
    }
  }
});

test("a page that RMPUPDATE gives away is written by no shared walk from before", () => {
  const lab = new Lab({ generation: "sev-snp" });
  const spa = lab.small();
  lab.nest(GPA, spa);
  lab.map(GVA, GPA | OPEN);
  lab.load();
  assert.is(lab.write(GVA, pattern(16, 1)), true);
  const mine = { gpa: GPA, assigned: true, pageSize: "4k", immutable: false, asid: 1 } as const;
  assert.is(lab.core.host.rmpupdate(spa, mine), 0);
  assert.is((lab.write(GVA, pattern(16, 2)) as Exit).code, BigInt(Code.VMEXIT_NPF));
  assert.is(hex(lab.read(GVA) as Uint8Array), hex(pattern(16, 1)), "reads are not refused");
});

test("small pages of the guest's within 2 MiB of the host's do not outlive PSMASH either", () => {
  const lab = new Lab({ generation: "sev-snp" });
  const spa = lab.back(GPA, true);
  for (const page of [0n, 1n, 7n])
    lab.map(GVA + page * PAGE, (GPA + page * PAGE) | OPEN | lab.cBit);
  lab.load();
  for (const page of [0n, 1n, 7n]) assert.is(lab.write(GVA + page * PAGE, pattern(16, 1)), true);
  assert.is(lab.core.host.psmash(spa), 0);
  // The second time, the nested walk is remembered and the page is open.
  for (const page of [0n, 0n, 1n, 1n, 7n, 7n]) {
    lab.core.firmware.write(spa + page * PAGE, lab.asid, pattern(16, 3));
    const { code, info1 } = lab.read(GVA + page * PAGE) as Exit;
    assert.equal([code, (info1 >> BigInt(Code.SIZEM_BIT)) & 1n], [BigInt(Code.VMEXIT_NPF), 1n]);
  }
});

test("a guest without SNP does not write what the RMP gives its ASID", () => {
  const { lab } = guest("sev-snp");
  assert.is(lab.write(GVA, pattern(16, 1)), true);
  lab.load({ snp: false });
  assert.is(hex(lab.read(GVA) as Uint8Array), hex(pattern(16, 1)), "reads are not refused");
  assert.is((lab.write(GVA, pattern(16, 2)) as Exit).code, BigInt(Code.VMEXIT_NPF));
});

test("an ASID or VMPL that no machine has cannot be loaded", () => {
  const { lab } = guest("none");
  for (const asid of [1024, 0x7fff_ffff, -1]) {
    assert.throws(() => lab.core.host.flushAsid(asid), /ASID/);
    assert.throws(() => lab.load({ asid }), /ASID/);
  }
  assert.throws(() => lab.load({ vmpl: 4 }), /VMPL/);
});
