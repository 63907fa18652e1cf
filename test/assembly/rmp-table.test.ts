// Where the RMP lies and what it covers: contiguous and in segments. Spec digest rmp.md 1; the hypervisor's own look-up, made as
// Linux makes it (ts/hypervisor/rmp.ts), is the second witness.

import {
  createPlatform,
  type PlatformOptions,
  pageState,
  type RmpOptions,
  readRmp,
  readRmpMemory,
  rmpEntry,
  rmpEntrySpa,
} from "../../dist/index.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Msr from "../../ts/abi/msr.ts";
import type { RmpState } from "../../ts/port.ts";
import { bit, Chance, LARGE, MIB, OPEN, PAGE, pattern, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("the RMP in memory");

const GIB = 1n << 30n;
const make = (options: PlatformOptions) =>
  createPlatform({ resident: 64 * MIB, ...options, ...withCore });
const guestPage = (gpa: bigint): RmpState => ({
  gpa,
  assigned: true,
  pageSize: "4k",
  immutable: false,
  asid: 3,
});

type Platform = ReturnType<typeof make>;

/** The table of a machine that has one. */
function tableOf({ rmp }: Platform) {
  if (!rmp) throw new Error("the machine has no RMP");
  return rmp;
}

/** What the memory at an entry's place holds, as the core's own view of the entry has it. */
function comparePlace(platform: Platform, spa: bigint, where: string): void {
  const { low, high } = platform.core.firmware.rmp(spa);
  assert.equal(
    readRmpMemory(platform.core.host, tableOf(platform), spa),
    rmpEntry({ low, high }),
    where,
  );
}

test("the MSRs say where the RMP is, aligned to 8 KiB; 4 GiB need 16 MiB and the bookkeeping", () => {
  const { base, end, cfg, reserved } = tableOf(make({ chip: "milan", dram: 4n * GIB }));
  assert.equal([base & 0x1fffn, (end + 1n) & 0x1fffn, cfg], [0n, 0n, 0n]);
  assert.is(end + 1n - base, 0x100_4000n);
  assert.is(reserved, base);
  for (const [chip, rmp] of [
    ["milan", {}],
    ["turin", {}],
    ["turin", { segmentShift: 31 }],
  ] as const) {
    const platform = make({ chip, rmp });
    const { rdmsr, wrmsr } = platform.core.host;
    const table = tableOf(platform);
    const msrs = [Msr.RMP_BASE, Msr.RMP_END, Msr.RMP_CFG];
    assert.equal(msrs.map(rdmsr), [table.base, table.end, table.cfg]);
    for (const msr of msrs) assert.not(wrmsr(msr, 0n), "locked since SNP is enabled");
  }
  const { rdmsr } = make({ generation: "sev-es" }).core.host;
  assert.equal([Msr.RMP_BASE, Msr.RMP_END].map(rdmsr), [0n, 0x1fffn]);
  assert.is(make({ generation: "sev-es" }).rmp, undefined);
});

test("an entry lies at RMP_BASE + 16 KiB + 16 bytes a page", () => {
  const platform = make({ chip: "genoa", dram: 4n * GIB });
  const { host } = platform.core;
  const table = tableOf(platform);
  const spa = 0x1234_5000n;
  assert.is(rmpEntrySpa(table, spa), table.base + 0x4000n + 0x12345n * 16n);
  assert.is(host.rmpupdate(spa, guestPage(0x777_7000n)), 0);
  const bytes = new Uint8Array(16);
  assert.ok(host.read(table.base + 0x4000n + 0x12_3450n, bytes));
  const view = new DataView(bytes.buffer);
  assert.is(view.getBigUint64(0, true), 1n | 0x777_7000n | (3n << 51n));
  assert.is(view.getBigUint64(8, true), 0x1fn);
});

test("with segments of 64 GiB the entry of 0x12345000 is 0x123450 bytes into the first segment's part", () => {
  const platform = make({ dram: 0x9000_0000n, rmp: { segments: [64] } });
  const table = tableOf(platform);
  assert.equal([table.rst[0], table.end], [0x8000_0000n | 64n, 0n]);
  assert.is(table.cfg, 1n | (36n << 8n));
  assert.is(table.base & 0xf_ffffn, 0n);
  const spa = 0x1234_5000n;
  assert.is(rmpEntrySpa(table, spa), 0x8012_3450n);
  const { host } = platform.core;
  assert.is(host.rmpupdate(spa, guestPage(0x777_7000n)), 0);
  const bytes = new Uint8Array(8);
  assert.ok(host.read(0x8012_3450n, bytes));
  assert.is(new DataView(bytes.buffer).getBigUint64(0, true), 1n | 0x777_7000n | (3n << 51n));
  assert.ok(host.read(table.base + 0x4000n, bytes), "the segment table is in memory too");
  assert.is(new DataView(bytes.buffer).getBigUint64(0, true), 0x8000_0040n);
});

// Machines whose RMP covers all, or not all.
const machines: [string, PlatformOptions][] = [
  ["contiguous", { chip: "milan", dram: 5n * GIB }],
  ["contiguous on Turin", { chip: "turin", dram: 5n * GIB, rmp: { segmented: false } }],
  ["half covered", { chip: "genoa", dram: 4n * GIB, rmp: { covers: 2n * GIB + LARGE } }],
  ["segments", { dram: 5n * GIB }],
  ["small segments", { dram: 6n * GIB, rmp: { segmentShift: 30 } }],
  ["absent segment", { dram: 8n * GIB, rmp: { segmentShift: 31, segments: [2, 0, 1, 2] } }],
  ["clipped segment", { dram: 8n * GIB, rmp: { segmentShift: 31, segments: [9, 2, 2] } }],
];

test("coverage and place of every entry are as Linux would find them", () => {
  const chance = new Chance(90n);
  for (const [name, options] of machines) {
    const platform = make(options);
    const { core } = platform;
    const table = tableOf(platform);
    const dram = options.dram as bigint;
    let covered = 0;
    for (let step = 0; step < 600; step++) {
      const page = BigInt(chance.below(Number(dram / PAGE)));
      const edge = (page * PAGE) & ~(GIB - 1n);
      const spa = chance.once(3) ? edge + BigInt(chance.below(2)) * (GIB - PAGE) : page * PAGE;
      const where = `${name}, spa 0x${spa.toString(16)}`;
      const at = rmpEntrySpa(table, spa);
      const before = core.firmware.rmp(spa);
      const answer = core.host.rmpupdate(spa, guestPage(spa & ~bit(50)));
      if (at === undefined) {
        assert.is(answer, 1, where);
        assert.equal(core.firmware.rmp(spa), { low: 0n, high: 0n }, where);
        continue;
      }
      covered++;
      // The RMP's own pages are the firmware's already.
      const own = spa >= table.reserved && rmpEntry(before).assigned && rmpEntry(before).asid === 0;
      if (!own) assert.ok(answer === 0 || answer === 2 || answer === 4, `${where} ${answer}`);
      comparePlace(platform, spa, where);
      comparePlace(platform, spa & ~(LARGE - 1n), where);
    }
    assert.ok(covered > 50, name);
  }
});

test("memory that the RMP does not cover is the hypervisor's to write, and no guest's", () => {
  for (const rmp of [
    { segmented: false, covers: GIB },
    { segmentShift: 30, segments: [1, 0, 1] },
  ]) {
    const lab = new Lab({ generation: "sev-snp", dram: 4n * GIB, rmp });
    const { host, firmware } = lab.core;
    const spa = GIB + 0x40_0000n;
    assert.is(host.rmpupdate(spa, guestPage(0n)), 1);
    assert.is(host.rmpupdate(spa, { ...guestPage(0n), pageSize: "2m" }), 1);
    assert.is(host.psmash(spa), 1);
    assert.equal(host.rmpread(spa), { eax: 1 });
    assert.not(firmware.setRmp(spa, 1n, 0n));
    for (const beyond of [4n * GIB, 1n << 43n, 1n << 50n]) {
      assert.not(firmware.setRmp(beyond, 1n, 0n));
      assert.equal(firmware.rmp(beyond), { low: 0n, high: 0n });
      assert.equal(host.rmpread(beyond), { eax: 1 });
    }
    assert.ok(host.write(spa, pattern(16, 1)));
    const gpa = 0x2000_0000n;
    lab.nest(gpa, spa);
    lab.map(gpa, gpa | OPEN | lab.cBit);
    lab.map(gpa + PAGE, gpa | OPEN);
    lab.load();
    assert.is((lab.read(gpa) as { info1: bigint }).info1, 0x5_8000_0005n);
    assert.is(lab.core.guest.pvalidate(gpa, false, true), undefined);
    assert.is(lab.core.guest.exit().info1, 0x5_8000_0005n);
    assert.is(lab.write(gpa + PAGE, pattern(16, 2)), true, "shared with the hypervisor");
  }
});

test("the RMP's own pages are the firmware's: stores of host, guest and RMPUPDATE are refused", () => {
  for (const chip of ["milan", "turin"] as const) {
    const lab = new Lab({ generation: "sev-snp", chip, dram: 4n * GIB });
    const { host, firmware } = lab.core;
    const table = tableOf(lab.platform);
    const places = [table.base, rmpEntrySpa(table, 0n), rmpEntrySpa(table, table.reserved - PAGE)];
    for (const place of places) {
      const page = (place as bigint) & ~(PAGE - 1n);
      const head = readRmp(host, table, page);
      assert.equal([head?.assigned, head?.immutable, head?.asid], [true, true, 0]);
      assert.not(host.write(page + 16n, new Uint8Array(8)));
      assert.is(host.exit().info1, 0x8000_0003n);
      assert.is(host.rmpupdate(page, guestPage(0n)), 2);
      assert.not(firmware.setRmp(page, 0n, 0n), "no command gives it away");
      assert.not(firmware.setRmp(page & ~(LARGE - 1n), 3n, 0n));
      const gpa = 0x2000_0000n + page;
      lab.nest(gpa, page);
      lab.map(gpa, gpa | OPEN);
      lab.load();
      assert.is((lab.write(gpa, pattern(8, 1)) as { info1: bigint }).info1, 0x1_8000_0007n);
      comparePlace(lab.platform, page, chip);
    }
    // As on a Milan whose RMP ended half way into a region: 4 KiB entries, the first of which counts the others.
    const last = table.base + (table.end === 0n ? 0n : 0x4000n + (4n * GIB) / 256n) - PAGE;
    const states = firmware.rmp(table.end === 0n ? table.base : last);
    assert.is(pageState(rmpEntry(states)), "firmware");
    assert.ok(rmpEntry(states).locked);
  }
});

test("who reads the RMP's memory sees each change at once, whichever key it reads under", () => {
  const platform = make({ chip: "milan", dram: 4n * GIB });
  const { host, dimm } = platform.core;
  const at = rmpEntrySpa(tableOf(platform), 0x40_0000n) as bigint;
  const low = (read: (spa: bigint, into: Uint8Array) => boolean) => {
    const bytes = new Uint8Array(8);
    assert.ok(read(at, bytes));
    return new DataView(bytes.buffer).getBigUint64(0, true);
  };
  const states: [RmpState, bigint][] = [
    [guestPage(0x5000n), 0x18_0000_0000_5001n],
    [guestPage(0x6000n), 0x18_0000_0000_6001n],
    [{ ...guestPage(0n), assigned: false, asid: 0 }, 0n],
    [{ ...guestPage(0x20_0000n), pageSize: "2m" }, 0x18_0000_0020_0003n],
  ];
  for (const [state, expected] of states) {
    host.read(at, new Uint8Array(8), true);
    assert.is(host.rmpupdate(0x40_0000n, state), 0);
    assert.equal([low(host.read), low(dimm.read)], [expected, expected]);
  }
  assert.is(host.psmash(0x40_0000n), 0);
  assert.is(low(host.read) & 0xfffn, 0x1n | (511n << 3n));
  host.wbinvd();
  assert.is(low(dimm.read) & 0xfffn, 0x1n | (511n << 3n));
});

test("a probe on the chips that rewrites an entry rewrites the RMP: who owns a page is what the chips say", () => {
  for (const chip of ["genoa", "turin"] as const) {
    const lab = new Lab({ generation: "sev-snp", chip, dram: 4n * GIB });
    const { dimm, firmware, host } = lab.core;
    const gpa = 0x2000_0000n;
    const spa = lab.back(gpa);
    lab.map(gpa, gpa | OPEN | lab.cBit);
    lab.load();
    assert.is(lab.write(gpa, pattern(16, 1)), true);
    const owned = firmware.validatedOf(lab.asid);
    const at = rmpEntrySpa(tableOf(lab.platform), spa) as bigint;
    const entry = new Uint8Array(16);
    assert.ok(dimm.read(at, entry));
    assert.ok(dimm.write(at, new Uint8Array(16)));
    assert.equal(firmware.rmp(spa), { low: 0n, high: 0n });
    assert.is(firmware.validatedOf(lab.asid), owned - 1n);
    assert.is((lab.read(gpa) as { info1: bigint }).info1, 0x5_8000_0005n);
    assert.ok(host.write(spa + 32n, pattern(16, 2)), "the host may write what nobody owns");
    assert.ok(dimm.write(at, entry));
    assert.equal(lab.read(gpa), pattern(16, 1), "and what it did is not seen beside it");
    assert.is(firmware.validatedOf(lab.asid), owned);
    // An entry of a MiB that nothing was known of.
    const far = rmpEntrySpa(tableOf(lab.platform), 3n * GIB) as bigint;
    assert.ok(dimm.write(far, entry));
    assert.equal(firmware.rmp(3n * GIB), firmware.rmp(spa));
  }
});

// What a BIOS cannot set up, and what is said of it.
const wrong: [PlatformOptions, RegExp][] = [
  [{ chip: "milan", rmp: { segmented: true } }, /rmp: .*Milan.* no segmented RMP/],
  [{ chip: "milan", rmp: { covers: 5n } }, /rmp: covers 5 bytes, expected a multiple of 2 MiB/],
  [{ chip: "milan", rmp: { covers: 1n << 40n } }, /rmp: covers/],
  [{ rmp: { segmentShift: 29 } }, /rmp: segment shift 29, expected 30 to 42/],
  [{ rmp: { segmentShift: 43 } }, /rmp: segment shift 43/],
  [{ rmp: { segments: [1.5] } }, /rmp: a segment of 1.5 GiB/],
  [{ rmp: { segments: [-1] } }, /rmp: a segment of -1 GiB/],
  [{ rmp: { segments: Array.from({ length: 513 }, () => 0) } }, /rmp: 513 segments/],
  [{ dram: LARGE }, /dram: .*room for the RMP/],
];

test("an RMP that cannot be is refused by name", () => {
  for (const [options, message] of wrong) assert.throws(() => make(options), message);
  const most: RmpOptions = { segments: [1, ...Array.from({ length: 511 }, () => 0)] };
  assert.is(tableOf(make({ rmp: most })).rst.length, 512);
});

test("a host fault over the RMP names the RMP bit, and nothing of it is half done", () => {
  const platform = make({ chip: "milan", dram: 4n * GIB });
  const { host } = platform.core;
  const table = tableOf(platform);
  const before = new Uint8Array(64);
  const at = rmpEntrySpa(table, 0n) as bigint;
  assert.ok(host.read(at, before));
  assert.not(host.write(at, pattern(64, 3)));
  assert.equal([host.exit().kind, host.exit().info2], [Code.HOST_FAULT, at]);
  const after = new Uint8Array(64);
  assert.ok(host.read(at, after));
  assert.equal(after, before);
});
