// Pages of tables that change: one at a time, each change obeyed at once. APM vol. 2, 5.3 and 15.25.
import * as Code from "../../ts/abi/exit.ts";
import type { Exit } from "../../ts/port.ts";
import { hex, OPEN, PAGE, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("tables that change");

const GPA = 0x20_0000n;
const GVA = 0x7000_0000n;

/** A guest with `pages` private pages from GVA on. */
function guest(generation: "sev" | "sev-snp", pages: bigint) {
  const lab = new Lab({ generation, chip: "milan" });
  const spas = [];
  for (let i = 0n; i < pages; i++) {
    spas.push(lab.back(GPA + i * PAGE));
    lab.map(GVA + i * PAGE, (GPA + i * PAGE) | OPEN | lab.cBit);
  }
  lab.load();
  return { lab, spas };
}

const entryOf = (leaf: bigint) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, leaf, true);
  return bytes;
};

/** A guest with ten pages that differ, its lowest table at `window`, and the table above that at `above`. */
function withWindows() {
  const { lab } = guest("sev", 10n);
  const [window, above] = [GVA + 100n * PAGE, GVA + 101n * PAGE];
  lab.map(window, lab.gpaOfTable(GVA, 0n) | OPEN | lab.cBit);
  lab.map(above, lab.gpaOfTable(GVA, 1n) | OPEN | lab.cBit);
  for (let i = 0; i < 10; i++) lab.write(GVA + BigInt(i) * PAGE, pattern(16, i));
  const index = ((GVA >> 12n) & 511n) * 8n;
  const seen = (gva: bigint) => hex(lab.read(gva) as Uint8Array);
  const point = (page: bigint, to: bigint) =>
    lab.write(window + index + page * 8n, entryOf((GPA + to * PAGE) | OPEN | lab.cBit));
  return { lab, above, seen, point };
}

test("a table that is written again and again is obeyed, before and after it is written as fast as data", () => {
  const { seen, point } = withWindows();
  const read = (page: bigint) => seen(GVA + page * PAGE);
  assert.is(read(8n), hex(pattern(16, 8)));
  for (const [page, to] of [
    [5n, 1n],
    [6n, 2n],
    [7n, 3n],
    [8n, 4n],
  ] as const)
    assert.is(point(page, to), true);
  for (const [page, to] of [
    [8n, 4],
    [7n, 3],
    [6n, 2],
  ] as const)
    assert.is(read(page), hex(pattern(16, to)));
  // One write at a time, each read at once.
  for (const to of [0, 1, 2]) {
    point(7n, BigInt(to));
    assert.is(read(7n), hex(pattern(16, to)));
  }
});

test("a page of data that becomes a table is obeyed from then on", () => {
  const { lab, above, seen } = withWindows();
  const table = GVA + 3n * PAGE;
  const through = GVA + 9n * 0x20_0000n;
  const leaf = (page: bigint) => entryOf((GPA + page * PAGE) | OPEN | lab.cBit);
  lab.write(table, leaf(1n));
  lab.write(above + ((through >> 21n) & 511n) * 8n, entryOf((GPA + 3n * PAGE) | OPEN | lab.cBit));
  for (const page of [1n, 2n, 4n]) {
    lab.write(table, leaf(page));
    assert.is(seen(through), hex(pattern(16, Number(page))));
  }
});

test("an entry that speaks for 2 MiB, the guest's or the host's, speaks for every page of them", () => {
  const { lab, above, seen } = withWindows();
  const at = above + ((GVA >> 21n) & 511n) * 8n;
  for (const page of [0n, 1n, 9n]) seen(GVA + page * PAGE);
  lab.write(at, entryOf(lab.gpaOfTable(GVA, 0n) | lab.cBit));
  for (const page of [0n, 1n, 9n]) assert.is((lab.read(GVA + page * PAGE) as Exit).code, 14n);
  const big = 0x6000_0000n;
  const other = GVA + 0x4000_0000n;
  lab.back(big, true);
  for (const page of [0n, 3n]) lab.map(other + page * PAGE, (big + page * PAGE) | OPEN | lab.cBit);
  for (const page of [0n, 3n]) lab.write(other + page * PAGE, pattern(16, 40 + Number(page)));
  const next = lab.large();
  for (const page of [0n, 3n])
    lab.core.firmware.write(next + page * PAGE, lab.asid, pattern(16, 50 + Number(page)));
  lab.nest(big, next, OPEN, true);
  for (const page of [0n, 3n])
    assert.is(seen(other + page * PAGE), hex(pattern(16, 50 + Number(page))));
});

test("a VMPL that may no longer read a guest's table has no use of what it walked before", () => {
  const { lab } = guest("sev-snp", 2n);
  lab.load({ vmpl: 1 });
  assert.ok(lab.read(GVA) instanceof Uint8Array);
  const spa = lab.core.host.nestedEntry(lab.root, lab.gpaOfTable(GVA, 0n)) & 0xf_ffff_f000n;
  const { low } = lab.core.firmware.rmp(spa);
  lab.core.firmware.setRmp(spa, low, 0x0f0f_000fn);
  const { code, info1 } = lab.read(GVA) as Exit;
  assert.equal([code, (info1 >> BigInt(Code.VMPL_BIT)) & 1n], [0x400n, 1n]);
  lab.load();
  assert.ok(lab.read(GVA) instanceof Uint8Array);
});

test("a page that a VMPL may not read is refused to it, though all that leads there is remembered", () => {
  const { lab, spas } = guest("sev-snp", 2n);
  lab.load({ vmpl: 1 });
  assert.ok(lab.read(GVA) instanceof Uint8Array);
  const { low } = lab.core.firmware.rmp(spas[1]!);
  lab.core.firmware.setRmp(spas[1]!, low, 0x0f0f_000fn);
  lab.load();
  assert.ok(lab.read(GVA + PAGE) instanceof Uint8Array);
  lab.load({ vmpl: 1 });
  const { code, info1 } = lab.read(GVA + PAGE) as Exit;
  assert.equal([code, (info1 >> BigInt(Code.VMPL_BIT)) & 1n], [0x400n, 1n]);
});
