// The RMP instructions against their slow twin; what the hypervisor's own refuse. Spec digest rmp.md 4.1 to 4.3.
import { milan } from "../../dist/chip/milan.js";
import { rmpTable } from "../../dist/chip/rmp.js";
import { silicon, startMachine } from "../../dist/core/silicon.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Memory from "../../ts/abi/memory.ts";
import * as RmpLayout from "../../ts/abi/rmp-state.ts";
import type { RmpState } from "../../ts/port.ts";
import { Chance, coreModule, MIB, PAGE, rmpLow } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";
import { type Entry, hypervisor } from "../oracle/rmp.ts";
import { Board, DRAM, EVERY, FULL, GPA, INDICES, randomStep } from "../rmp-board.ts";

const test = suite("RMP instructions");

test("after any sequence of instructions every entry, answer and count of validated pages is the twin's", () => {
  for (const seed of [50n, 51n, 52n]) {
    const board = new Board();
    const { lab, twin } = board;
    const chance = new Chance(seed);
    // Both have the same entries for the guest's own tables, which the twin does not know.
    const before = [0, 1, 2].map((asid) => lab.core.firmware.validatedOf(asid));
    for (let step = 0; step < 2500; step++) {
      const where = `seed ${seed}, step ${step}`;
      const region = randomStep(board, chance, where);
      board.compare(region.spa, step % 50 === 0 ? EVERY : INDICES, where);
      for (const asid of [0, 1, 2]) {
        const grown = lab.core.firmware.validatedOf(asid) - before[asid]!;
        if (grown !== BigInt(twin.validatedOf(asid)))
          assert.is(grown, BigInt(twin.validatedOf(asid)), `${where}, ASID ${asid}`);
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
  const board = new Board();
  const { lab, twin, regions } = board;
  const { spa, gpa } = regions[0]!;
  const valid: Entry = {
    ...hypervisor,
    assigned: true,
    asid: 1,
    gpa: gpa + PAGE,
    validated: true,
    masks: [FULL, 0, 0, 0],
  };
  board.set(spa + PAGE, valid);
  for (const [why, change, offset, answer] of refused) {
    const to = { ...valid, gpa, ...change };
    const at = spa + offset;
    const state = { ...to, pageSize: to.large ? ("2m" as const) : ("4k" as const) };
    assert.is(lab.core.host.rmpupdate(at, state), answer, why);
    assert.is(twin.rmpupdate(at, to), answer, why);
    board.compare(spa, EVERY, why);
  }
  const large: Entry = { ...valid, large: true, gpa };
  board.set(spa + PAGE, hypervisor);
  board.set(spa, large);
  for (const index of [0n, 1n, 511n]) {
    const to = { ...valid, gpa: gpa + index * PAGE, pageSize: "4k" as const };
    assert.is(lab.core.host.rmpupdate(spa + index * PAGE, to), 4, "a 4 KiB page under a 2 MiB one");
    board.compare(spa, EVERY, "4 under 2");
  }
  board.set(spa, { ...large, immutable: true });
  for (const index of [0n, 511n]) {
    const to = { ...hypervisor, pageSize: "4k" as const };
    assert.is(lab.core.host.rmpupdate(spa + index * PAGE, to), 2, "immutable comes before overlap");
  }
  assert.is(lab.core.host.psmash(spa), 2);
  board.compare(spa, EVERY, "immutable");
});

test("RMPUPDATE keeps nothing of an entry that no guest has, nor of one that had another size", () => {
  const lab = new Lab({ generation: "sev-snp" });
  const { host, firmware } = lab.core;
  const spa = lab.large() + PAGE;
  // A probe may write into the RMP what no instruction leaves there: a validated page of ASID 0, and 2 MiB that begin amid a region.
  const forged = { assigned: true, validated: true, vmsa: true, gpa: GPA };
  for (const [had, asid, high] of [
    [{ ...forged }, 0, 0n],
    [{ ...forged, asid: 1, large: true }, 1, 0x1fn],
  ] as const) {
    assert.ok(firmware.setRmp(spa, rmpLow(had), 0x0f0f_0f0fn));
    const to = { gpa: GPA, assigned: true, pageSize: "4k", immutable: false, asid } as const;
    assert.is(host.rmpupdate(spa, to), 0);
    assert.equal(firmware.rmp(spa), { low: rmpLow({ assigned: true, gpa: GPA, asid }), high });
  }
});

test("PSMASH expands an assigned entry of 2 MiB and no other", () => {
  const lab = new Lab({ generation: "sev-snp" });
  const { host, firmware } = lab.core;
  const spa = lab.large();
  // RMPUPDATE leaves no size in an entry that is not assigned; the RMP lies in memory, where a probe may.
  for (const entry of [{ large: true }, { assigned: true, asid: 1 }]) {
    const low = rmpLow(entry);
    assert.ok(firmware.setRmp(spa, low, 0n));
    assert.is(host.psmash(spa), 7);
    assert.equal(firmware.rmp(spa), { low, high: 0n });
  }
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
    rmp: rmpTable(milan, DRAM),
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
      assert.is(
        made.exports.rmpupdate(0x20_0000n, Memory.WINDOW, false),
        1,
        `byte ${at} bit ${position}`,
      );
      assert.is(made.exports.rmpLow(0x20_0000n), 0n);
    }
  }
  // Nothing else was wrong with it.
  made.bytes[Memory.WINDOW + RmpLayout.RESERVED_0B] = 0;
  assert.is(made.exports.rmpupdate(0x20_0000n, Memory.WINDOW, false), 0);
});

const someState: RmpState = {
  gpa: GPA,
  assigned: true,
  pageSize: "4k",
  immutable: false,
  asid: 1,
};

test("a page that a running vCPU holds is in use: RMPUPDATE and PSMASH answer FAIL_INUSE, host stores fault", () => {
  const board = new Board();
  const { lab, regions } = board;
  const { host } = lab.core;
  const { spa, gpa } = regions[0]!;
  // A VMCB: hypervisor-owned and in use.
  board.set(spa + PAGE, { ...hypervisor, locked: true });
  assert.is(host.rmpupdate(spa + PAGE, { ...someState, gpa: gpa + PAGE }), 3);
  assert.is(
    host.rmpupdate(spa, { ...someState, gpa, pageSize: "2m" }),
    3,
    "one page of the region",
  );
  assert.not(host.write(spa + PAGE, new Uint8Array(8)));
  assert.equal([host.exit().kind, host.exit().info1], [Code.HOST_FAULT, 0x8000_0003n]);
  assert.ok(host.write(spa, new Uint8Array(8)), "its neighbour is not");
  board.compare(spa, EVERY, "a VMCB in use");
  board.set(spa + PAGE, hypervisor);
  const vmsa = { ...hypervisor, assigned: true, asid: 1, gpa, validated: true, vmsa: true };
  board.set(spa, { ...vmsa, locked: true });
  assert.is(host.rmpupdate(spa, { ...someState, assigned: false, asid: 0, gpa: 0n }), 3);
  board.set(spa, { ...vmsa, large: true, locked: true });
  assert.is(host.psmash(spa), 3);
  assert.is(host.rmpupdate(spa + 5n * PAGE, { ...someState, gpa: gpa + 5n * PAGE }), 3);
  board.compare(spa, EVERY, "a VMSA in use");
});

test("without SNP enabled the hypervisor's instructions are #UD", () => {
  const { core } = new Lab({ generation: "sev-es", chip: "turin" });
  const { host } = core;
  const instructions: [string, () => unknown][] = [
    ["RMPUPDATE", () => host.rmpupdate(0x20_0000n, someState)],
    ["PSMASH", () => host.psmash(0x20_0000n)],
    ["RMPREAD", () => host.rmpread(0x20_0000n)],
  ];
  for (const [name, execute] of instructions) {
    assert.is(host.write(0x1000n, new Uint8Array(8)), true);
    assert.is(execute(), undefined, name);
    const { kind, code, info1, info2 } = host.exit();
    assert.equal([kind, code, info1, info2], [Code.HOST_FAULT, BigInt(Code.UD), 0n, 0n], name);
  }
  assert.is(core.firmware.rmp(0x20_0000n).low, 0n);
});

test("RMPREAD is #UD on a part without it", () => {
  const { core } = new Lab({ generation: "sev-snp", chip: "genoa" });
  assert.is(core.host.rmpread(0x20_0000n), undefined);
  assert.is(core.host.exit().code, BigInt(Code.UD));
  assert.is(core.host.psmash(0x20_0000n), 7, "PSMASH exists");
});

test("a guest that executes the hypervisor's instructions gets FAIL_PERMISSION, or #GP(0) at CPL 3", () => {
  const board = new Board();
  const { lab, regions } = board;
  const { guest } = lab.core;
  const { spa, gpa } = regions[0]!;
  board.set(spa, { ...hypervisor, assigned: true, large: true, asid: 1, gpa });
  const instructions: [string, () => number | undefined][] = [
    ["RMPUPDATE", () => guest.rmpupdate(spa, { ...someState, assigned: false, asid: 0 })],
    ["PSMASH", () => guest.psmash(spa)],
    ["RMPREAD", () => guest.rmpread(spa)],
  ];
  for (const [name, execute] of instructions) {
    for (const snp of [false, true]) {
      lab.load({ snp });
      assert.is(execute(), 2, name);
      lab.load({ snp, cpl: 3 });
      assert.is(execute(), undefined, name);
      assert.equal([guest.exit().kind, guest.exit().code], [Code.EXCEPTION, BigInt(Code.GP)], name);
    }
  }
  board.compare(spa, EVERY, "refused");
});

test("RMPREAD shows each state in the architecture's form, and neither VMSA, Validated nor permissions", () => {
  const board = new Board();
  const { lab, twin, regions } = board;
  const { spa, gpa } = regions[0]!;
  const owned = { assigned: true, asid: 1, gpa };
  const states: Partial<Entry>[] = [
    {},
    { immutable: true },
    { assigned: true, immutable: true },
    { assigned: true },
    { assigned: true, immutable: true, vmsa: true },
    { ...owned, immutable: true },
    { ...owned, immutable: true, validated: true },
    owned,
    { ...owned, validated: true, masks: [FULL, 1, 2, 3] },
    { ...owned, validated: true, vmsa: true },
    { ...owned, large: true, validated: true },
  ];
  for (const neighbour of [false, true]) {
    for (const state of states) {
      if (neighbour && state.large) continue;
      board.set(spa, { ...hypervisor, ...state });
      if (neighbour) board.set(spa + 5n * PAGE, { ...hypervisor, ...owned, asid: 2 });
      for (const index of INDICES)
        assert.equal(
          lab.core.host.rmpread(spa + index * PAGE),
          { eax: 0, entry: twin.rmpread(spa + index * PAGE) },
          `${JSON.stringify(Object.keys(state))} page ${index}`,
        );
      if (neighbour) board.set(spa + 5n * PAGE, hypervisor);
    }
  }
  assert.equal(lab.core.host.rmpread(spa + 8n), { eax: 1 }, "misaligned");
  assert.equal(lab.core.host.rmpread(DRAM), { eax: 1 }, "not covered");
});
