// RMPUPDATE, PSMASH and PVALIDATE against their slow twin. Spec digest rmp.md 4.2, 4.3 and 4.5.
import { silicon, startMachine } from "../../dist/silicon.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Memory from "../../ts/abi/memory.ts";
import * as RmpLayout from "../../ts/abi/rmp-state.ts";
import type { VcpuContext } from "../../ts/port.ts";
import { Chance, coreModule, LARGE, MIB, OPEN, PAGE } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";
import { type Entry, hypervisor, Rmp, raw } from "../oracle/rmp.ts";

const test = suite("RMP instructions");

const DRAM = 0x800_0000n;
const GPA = 0x2000_0000n;
const GVA = 0x7000_0000n;
const INDICES = [0n, 1n, 5n, 511n];

interface Region {
  gpa: bigint;
  spa: bigint;
  gva: bigint;
  mapped: boolean;
}

/** Four regions: nested 4 KiB or 2 MiB, mapped by the guest 4 KiB or 2 MiB. */
function board() {
  const lab = new Lab({ generation: "sev-snp", chip: "milan", dram: DRAM });
  const oracle = new Rmp(Number(DRAM / PAGE), 0xf);
  const regions: Region[] = [];
  for (const nested of [false, true]) {
    for (const mapped of [false, true]) {
      const i = BigInt(regions.length);
      const spa = lab.large();
      const [gpa, gva] = [GPA + i * LARGE, GVA + i * LARGE];
      if (nested) lab.nest(gpa, spa, OPEN, true);
      if (mapped) lab.map(gva, gpa | OPEN | lab.cBit, true);
      for (const index of INDICES) {
        if (!nested) lab.nest(gpa + index * PAGE, spa + index * PAGE);
        if (!mapped) lab.map(gva + index * PAGE, (gpa + index * PAGE) | OPEN | lab.cBit);
      }
      regions.push({ gpa, spa, gva, mapped });
    }
  }
  const set = (spa: bigint, entry: Entry) => {
    if (entry === hypervisor) oracle.entries.delete(Number(spa / PAGE));
    else oracle.entries.set(Number(spa / PAGE), entry);
    const { low, high } = raw(entry);
    assert.ok(lab.core.firmware.setRmp(spa, low, high));
  };
  lab.load();
  return { lab, oracle, regions, set };
}

type Board = ReturnType<typeof board>;

/** Fails unless every entry of a region is the twin's. */
function compare(
  { lab, oracle }: Board,
  spa: bigint,
  pages: readonly bigint[],
  where: string,
): void {
  const first = Number(spa / PAGE);
  const others = oracle
    .region(first)
    .filter((page) => page !== first && oracle.own(page).assigned).length;
  for (const index of pages) {
    const seen = lab.core.firmware.rmp(spa + index * PAGE);
    const expected = raw(oracle.own(first + Number(index)), index === 0n ? others : 0);
    if (seen.low !== expected.low || seen.high !== expected.high)
      assert.equal(seen, expected, `${where} page ${index}`);
  }
}

/** PVALIDATE as the twin answers it. */
function pvalidate({ lab }: Board, gva: bigint, gpa: bigint, large: boolean, to: boolean) {
  const answer = lab.core.guest.pvalidate(gva, large, to);
  if (answer) return answer.carry ? "CF" : answer.eax;
  const { kind, code, info1, info2 } = lab.core.guest.exit();
  assert.equal([kind, code, info2], [Code.VMEXIT, BigInt(Code.VMEXIT_NPF), gpa]);
  return info1;
}

const EVERY = Array.from({ length: 512 }, (_, i) => BigInt(i));

function randomStep(made: Board, chance: Chance, where: string): Region {
  const { lab, oracle, set } = made;
  const region = chance.pick(made.regions);
  const index = chance.pick(INDICES);
  const spa = region.spa + index * PAGE;
  const gpa = region.gpa + index * PAGE;
  const large = chance.once(3);
  const which = chance.below(10);
  if (which < 4) {
    const assigned = !chance.once(3);
    const asid = assigned || chance.once(8) ? chance.pick([0, 1, 1, 2]) : 0;
    const to = {
      ...hypervisor,
      assigned,
      large,
      asid,
      immutable: chance.once(12),
      gpa: assigned ? (chance.once(6) ? gpa + LARGE : gpa) : 0n,
    };
    const offset = chance.once(12) ? 0x800n : 0n;
    const state = { ...to, pageSize: large ? ("2m" as const) : ("4k" as const) };
    assert.is(
      lab.core.host.rmpupdate(spa + offset, state),
      oracle.rmpupdate(spa + offset, to),
      where,
    );
  } else if (which < 5) {
    assert.is(lab.core.host.psmash(spa), oracle.psmash(spa), where);
  } else if (which < 9) {
    const to = !chance.once(3);
    const at = large ? 0n : index;
    const [gva, from] = [region.gva + at * PAGE, region.gpa + at * PAGE];
    const page = Number((region.spa + at * PAGE) / PAGE);
    const expected = oracle.pvalidate(page, from, lab.asid, large, region.mapped, to);
    assert.is(pvalidate(made, gva, from, large, to), expected, where);
  } else {
    // SNP_PAGE_RECLAIM and the like: the firmware takes the immutable bit away.
    const head = oracle.head(Number(spa / PAGE));
    const entry = oracle.own(head);
    if (entry.immutable)
      set(BigInt(head) * PAGE, entry.assigned ? { ...entry, immutable: false } : hypervisor);
  }
  return region;
}

test("after any sequence of instructions every entry, answer and count of validated pages is the twin's", () => {
  for (const seed of [50n, 51n, 52n]) {
    const made = board();
    const chance = new Chance(seed);
    // Both have the same entries for the guest's own tables, which the twin does not know.
    const before = [0, 1, 2].map((asid) => made.lab.core.firmware.validatedOf(asid));
    for (let step = 0; step < 1500; step++) {
      const where = `seed ${seed}, step ${step}`;
      const region = randomStep(made, chance, where);
      compare(made, region.spa, step % 50 === 0 ? EVERY : INDICES, where);
      for (const asid of [0, 1, 2]) {
        const grown = made.lab.core.firmware.validatedOf(asid) - before[asid]!;
        if (grown !== BigInt(made.oracle.validatedOf(asid)))
          assert.is(grown, BigInt(made.oracle.validatedOf(asid)), `${where}, ASID ${asid}`);
      }
    }
  }
});

// What RMPUPDATE refuses, on a 4 KiB page that is Guest-Valid: change of the request, offset of the SPA, answer.
const refused: [string, Partial<Entry>, bigint, number][] = [
  ["an SPA that is not 4 KiB aligned", {}, 0x10n, 1],
  ["a 2 MiB request at an SPA that is not", { large: true }, PAGE, 1],
  ["a GPA that is not 4 KiB aligned", { gpa: GPA + 8n }, 0n, 1],
  ["a GPA that is not 2 MiB aligned for a 2 MiB page", { large: true, gpa: GPA + PAGE }, 0n, 1],
  ["a GPA of more than 51 bits", { gpa: 1n << 51n }, 0n, 1],
  ["an ASID of more than 10 bits", { asid: 1024 }, 0n, 1],
  ["an unassigned page with an ASID", { assigned: false, asid: 1 }, 0n, 1],
  ["an unassigned page that is immutable", { assigned: false, asid: 0, immutable: true }, 0n, 1],
  ["an SPA beyond the RMP", {}, DRAM, 1],
  ["an SPA far beyond the RMP", {}, 1n << 50n, 1],
  ["a 2 MiB page over an assigned 4 KiB page", { large: true }, 0n, 4],
];

test("RMPUPDATE refuses malformed requests and overlaps, and then changes nothing", () => {
  const made = board();
  const { lab, oracle, regions, set } = made;
  const { spa, gpa } = regions[0]!;
  const valid: Entry = {
    ...hypervisor,
    assigned: true,
    asid: 1,
    gpa: gpa + PAGE,
    validated: true,
    masks: [15, 0, 0, 0],
  };
  set(spa + PAGE, valid);
  for (const [why, change, offset, answer] of refused) {
    const to = { ...valid, gpa, ...change };
    const at = spa + offset;
    const state = { ...to, pageSize: to.large ? ("2m" as const) : ("4k" as const) };
    assert.is(lab.core.host.rmpupdate(at, state), answer, why);
    assert.is(oracle.rmpupdate(at, to), answer, why);
    compare(made, spa, EVERY, why);
  }
  const large: Entry = { ...valid, large: true, gpa };
  set(spa + PAGE, hypervisor);
  set(spa, large);
  for (const index of [0n, 1n, 511n]) {
    const to = { ...valid, gpa: gpa + index * PAGE, pageSize: "4k" as const };
    assert.is(lab.core.host.rmpupdate(spa + index * PAGE, to), 4, "a 4 KiB page under a 2 MiB one");
    compare(made, spa, EVERY, "4 under 2");
  }
  set(spa, { ...large, immutable: true });
  for (const index of [0n, 511n]) {
    const to = { ...hypervisor, pageSize: "4k" as const };
    assert.is(lab.core.host.rmpupdate(spa + index * PAGE, to), 2, "immutable comes before overlap");
  }
  assert.is(lab.core.host.psmash(spa), 2);
  compare(made, spa, EVERY, "immutable");
});

test("reserved bits of rmp_state are refused", () => {
  const made = silicon(64 * MIB, coreModule);
  startMachine(made, {
    dram: DRAM,
    resident: 64 * MIB,
    cipher: "xex",
    tweaks: new Uint8Array(1024),
    cBit: 51,
    addressBits: 46,
    snp: true,
    vmplFull: 15,
    cacheWarp: false,
  });
  for (const at of [
    RmpLayout.ASSIGNED,
    RmpLayout.PAGE_SIZE,
    RmpLayout.IMMUTABLE,
    RmpLayout.RESERVED_0B,
  ]) {
    for (let position = at === RmpLayout.RESERVED_0B ? 0 : 1; position < 8; position++) {
      made.bytes.fill(0, Memory.WINDOW, Memory.WINDOW + 16);
      made.bytes[Memory.WINDOW + RmpLayout.ASSIGNED] = 1;
      made.bytes[Memory.WINDOW + RmpLayout.ASID] = 1;
      made.bytes[Memory.WINDOW + at]! |= 1 << position;
      assert.is(made.exports.rmpupdate(0x20_0000n, Memory.WINDOW), 1, `byte ${at} bit ${position}`);
      assert.is(made.exports.rmpLow(0x20_0000n), 0n);
    }
  }
});

test("without SNP there is no RMP to update", () => {
  const { core } = new Lab({ generation: "sev-es", chip: "milan" });
  const state = { gpa: GPA, assigned: true, pageSize: "4k", immutable: false, asid: 1 } as const;
  assert.is(core.host.rmpupdate(0x20_0000n, state), 1);
  assert.is(core.host.psmash(0x20_0000n), 1);
  assert.is(core.firmware.rmp(0x20_0000n).low, 0n);
});

// what differs from an SNP guest at CPL 0, VMPL0; the exception or exit it meets
const callers: [Partial<VcpuContext>, number, bigint][] = [
  [{ snp: false }, Code.EXCEPTION, 6n],
  [{ cpl: 3 }, Code.EXCEPTION, 13n],
  [{ vmpl: 1 }, Code.EXCEPTION, 13n],
  [{ vmpl: 3 }, Code.EXCEPTION, 13n],
  [{ asid: 7 }, Code.VMEXIT, 0xffff_ffff_ffff_ffffn],
];

test("PVALIDATE is for an SNP guest's VMPL0 at CPL 0, with a key under its ASID", () => {
  const made = board();
  const { lab, regions, set } = made;
  const { spa, gpa, gva } = regions[0]!;
  set(spa, { ...hypervisor, assigned: true, asid: 1, gpa });
  for (const [change, kind, code] of callers) {
    lab.load(change);
    assert.is(lab.core.guest.pvalidate(gva, false, true), undefined);
    const exit = lab.core.guest.exit();
    assert.equal([exit.kind, exit.code, exit.gva], [kind, code, gva]);
    compare(made, spa, INDICES, "refused");
  }
});

test("PVALIDATE wants a private, aligned, present mapping; a refusal changes nothing", () => {
  const made = board();
  const { lab, regions, set } = made;
  const { spa, gpa, gva } = regions[0]!;
  set(spa, { ...hypervisor, assigned: true, asid: 1, gpa });
  const shared = 0x9000_0000n;
  lab.map(shared, gpa | OPEN);
  const { guest } = lab.core;
  assert.equal(guest.pvalidate(shared, false, true), { eax: 1, carry: false }, "C-bit clear");
  assert.equal(guest.pvalidate(gva + PAGE, true, true), { eax: 1, carry: false }, "misaligned");
  assert.is(guest.pvalidate(0xa000_0000n, false, true), undefined);
  assert.equal([guest.exit().kind, guest.exit().code], [Code.EXCEPTION, 14n]);
  lab.map(shared, 0x6000_0000n | OPEN | lab.cBit);
  assert.is(guest.pvalidate(shared, false, true), undefined);
  assert.is(guest.exit().info1, 0x5_0000_0004n, "not present, final, private");
  compare(made, spa, INDICES, "refused");
});
