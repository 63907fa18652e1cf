// PVALIDATE, RMPADJUST and RMPQUERY against their slow twin: who may, and the whole truth table. Spec digest rmp.md 4.4 to 4.6.

import { silicon, startMachine } from "../../dist/core/silicon.js";
import { ports } from "../../dist/core.js";
import * as Code from "../../ts/abi/exit.ts";
import type { GuestPort, VcpuContext } from "../../ts/port.ts";
import { coreModule, LARGE, MIB, OPEN, PAGE, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";
import { type Entry, hypervisor } from "../oracle/rmp.ts";
import { Board, FULL, INDICES, type Region } from "../rmp-board.ts";

const test = suite("the guest's RMP instructions");

const everything = { vmpl: 1, permissions: FULL, vmsa: false };
type Execute = (guest: GuestPort, gva: bigint) => unknown;
const instructions: [string, Execute][] = [
  ["PVALIDATE", (guest, gva) => guest.pvalidate(gva, false, true)],
  ["RMPADJUST", (guest, gva) => guest.rmpadjust(gva, false, everything)],
  ["RMPQUERY", (guest, gva) => guest.rmpquery(gva, 1)],
];

// what differs from an SNP guest at CPL 0; the exception or exit it meets
const callers: [Partial<VcpuContext>, number, bigint][] = [
  [{ snp: false }, Code.EXCEPTION, 6n],
  [{ cpl: 3 }, Code.EXCEPTION, 13n],
  [{ asid: 7 }, Code.VMEXIT, 0xffff_ffff_ffff_ffffn],
];

test("the guest's instructions are for an SNP guest at CPL 0 with a key under its ASID", () => {
  const board = new Board();
  const { lab, regions } = board;
  const { spa, gpa, gva } = regions[0]!;
  board.set(spa, { ...hypervisor, assigned: true, asid: 1, gpa, validated: true });
  for (const [name, execute] of instructions) {
    for (const [change, kind, code] of callers) {
      lab.load(change);
      assert.is(execute(lab.core.guest, gva), undefined, name);
      const exit = lab.core.guest.exit();
      assert.equal([exit.kind, exit.code, exit.gva, exit.gpa], [kind, code, gva, 0n], name);
      board.compare(spa, INDICES, "refused");
    }
  }
});

test("PVALIDATE is VMPL0's, RMPADJUST and RMPQUERY are not", () => {
  const board = new Board();
  const { lab, regions } = board;
  const { spa, gpa, gva } = regions[0]!;
  const { guest } = lab.core;
  board.set(spa, { ...hypervisor, assigned: true, asid: 1, gpa, validated: true });
  for (const vmpl of [1, 2, 3]) {
    lab.load({ vmpl });
    assert.is(guest.pvalidate(gva, false, false), undefined);
    assert.equal([guest.exit().kind, guest.exit().code], [Code.EXCEPTION, 13n]);
    assert.is(guest.rmpquery(gva, vmpl)?.eax, 0);
    assert.is(guest.rmpadjust(gva, false, { ...everything, vmpl: 1 }), 2, "am I VMPL0?");
    board.compare(spa, INDICES, "refused");
  }
});

test("RMPQUERY is #UD on a part without it", () => {
  const lab = new Lab({ generation: "sev-snp", chip: "milan" });
  const gpa = 0x2000_0000n;
  lab.back(gpa);
  lab.map(gpa, gpa | OPEN | lab.cBit);
  lab.load();
  assert.is(lab.core.guest.rmpquery(gpa, 0), undefined);
  assert.equal([lab.core.guest.exit().kind, lab.core.guest.exit().code], [Code.EXCEPTION, 6n]);
  assert.is(lab.core.guest.rmpadjust(gpa, false, { ...everything, permissions: 1 }), 0);
});

test("they want a private, aligned, present mapping; a refusal changes nothing", () => {
  const board = new Board();
  const { lab, regions } = board;
  const { spa, gpa, gva } = regions[0]!;
  board.set(spa, { ...hypervisor, assigned: true, asid: 1, gpa, validated: true });
  const shared = 0x9000_0000n;
  lab.map(shared, gpa | OPEN);
  const { guest } = lab.core;
  assert.equal(guest.pvalidate(shared, false, false), { eax: 1, carry: false }, "C-bit clear");
  assert.is(guest.rmpadjust(shared, false, everything), 1, "C-bit clear");
  assert.is(guest.rmpquery(shared, 0)?.eax, 2, "C-bit clear");
  assert.equal(guest.pvalidate(gva + PAGE, true, true), { eax: 1, carry: false }, "misaligned");
  assert.is(guest.rmpadjust(gva + PAGE, true, everything), 1, "misaligned");
  for (const [name, execute] of instructions) {
    assert.is(execute(guest, 0xa000_0000n), undefined, name);
    assert.equal([guest.exit().kind, guest.exit().code], [Code.EXCEPTION, 14n], name);
  }
  lab.map(shared, 0x6000_0000n | OPEN | lab.cBit);
  for (const [name, execute] of instructions) {
    assert.is(execute(guest, shared), undefined, name);
    assert.is(guest.exit().info1, 0x5_0000_0004n, "not present, final, private");
  }
  board.compare(spa, INDICES, "refused");
});

// The states of rmp.md 3, and those that an instruction may find; `own` marks those that name a guest.
const states: [string, Partial<Entry>, boolean][] = [
  ["Hypervisor", {}, false],
  ["HV-Fixed", { immutable: true }, false],
  ["Firmware", { assigned: true, immutable: true }, false],
  ["Reclaim", { assigned: true }, false],
  ["Context", { assigned: true, immutable: true, vmsa: true }, false],
  ["Metadata", { assigned: true, immutable: true, gpa: 0x2_0000_0000_1000n }, false],
  ["Pre-Guest", { assigned: true, immutable: true }, true],
  ["Pre-Swap", { assigned: true, immutable: true, validated: true }, true],
  ["Guest-Invalid", { assigned: true }, true],
  ["Guest-Valid", { assigned: true, validated: true }, true],
  ["VMSA", { assigned: true, validated: true, vmsa: true }, true],
  ["VMSA in use", { assigned: true, validated: true, vmsa: true, locked: true }, true],
];

const masks = [FULL, 0x0b, 0x04, 0x01];

/** Every state at every size, ASID and GPA, at each region: `act` for each request size. */
function everyEntry(
  board: Board,
  act: (region: Region, entry: Entry, spa: bigint, large: boolean) => void,
): void {
  for (const region of board.regions) {
    for (const size of [false, true]) {
      for (const [, fields, owned] of states) {
        for (const asid of owned ? [1, 2] : [0]) {
          for (const wrong of owned ? [0n, LARGE] : [0n]) {
            const gpa = fields.gpa ?? (asid ? region.gpa + wrong : 0n);
            const entry = { ...hypervisor, masks, ...fields, asid, gpa, large: size };
            for (const large of [false, true]) act(region, entry, region.spa, large);
          }
        }
      }
    }
  }
}

test("RMPADJUST: state x sizes x ASID x GPA x VMPL x target x permissions x VMSA, each as the twin has it", () => {
  const board = new Board();
  const { lab, twin } = board;
  let answered = 0;
  everyEntry(board, (region, entry, spa, large) => {
    for (const vmpl of [0, 1, 2, 3]) {
      lab.load({ vmpl });
      for (const target of [0, 1, 2, 3, 4]) {
        const valid = entry.validated && !entry.immutable && entry.asid === 1;
        for (const permissions of valid ? [0, 1, 4, 11, FULL, 0x20] : [0, FULL]) {
          for (const vmsa of [false, true]) {
            board.set(spa, entry);
            const named = board.named(region, 0n, large, vmpl);
            const wish = { vmpl: target, permissions, vmsa };
            const expected = twin.rmpadjust(named, wish);
            const answer = lab.core.guest.rmpadjust(named.gva, large, wish);
            const seen = board.outcome(answer, named);
            const where = `VMPL${vmpl} ${JSON.stringify({ ...wish, large })}`;
            if (seen !== expected) assert.is(seen, expected, where);
            if (seen === 0) answered++;
            board.compare(spa, INDICES, where);
          }
        }
      }
    }
    lab.load();
    board.set(spa, hypervisor);
  });
  assert.ok(answered > 100);
});

test("RMPQUERY: state x sizes x ASID x GPA x VMPL x target, each as the twin has it, and nothing changes", () => {
  const board = new Board();
  const { lab, twin } = board;
  everyEntry(board, (region, entry, spa) => {
    board.set(spa, entry);
    for (const vmpl of [0, 1, 2, 3]) {
      lab.load({ vmpl });
      for (const target of [0, 1, 2, 3, 4, 255]) {
        const named = board.named(region, 0n, false, vmpl);
        const answer = lab.core.guest.rmpquery(named.gva, target);
        const seen = board.outcome(answer?.eax ? answer.eax : answer, named);
        assert.equal(seen, twin.rmpquery(named, target), `VMPL${vmpl} of VMPL${target}`);
      }
    }
    board.compare(spa, INDICES, "queried");
    lab.load();
    board.set(spa, hypervisor);
  });
});

test("PVALIDATE: state x sizes x ASID x GPA x validate, each as the twin has it", () => {
  const board = new Board();
  everyEntry(board, (region, entry, spa, large) => {
    for (const to of [false, true]) {
      board.set(spa, entry);
      const named = board.named(region, 0n, large);
      const expected = board.twin.pvalidate(named, to);
      assert.is(board.pvalidate(named, to), expected);
      board.compare(spa, INDICES, "validated");
    }
    board.set(spa, hypervisor);
  });
});

test("what RMPADJUST takes from a VMPL no remembered walk of it may use, of a page or of a table", () => {
  const board = new Board();
  const { lab, regions } = board;
  const { guest } = lab.core;
  const adjust = (gva: bigint, large: boolean, permissions: number) => {
    lab.load({ vmpl: 0 });
    assert.is(guest.rmpadjust(gva, large, { vmpl: 1, permissions, vmsa: false }), 0);
    lab.load({ vmpl: 1 });
  };
  for (const region of [regions[0]!, regions[3]!]) {
    const large = region.mapped;
    const last = large ? region.gva + 511n * PAGE : region.gva;
    const entry = { ...hypervisor, assigned: true, asid: 1, gpa: region.gpa, large };
    board.set(region.spa, { ...entry, validated: true, masks: [FULL, 0, 0, 0] });
    adjust(region.gva, large, 3);
    for (const time of [1, 2]) assert.is(lab.write(last, pattern(16, time)), true);
    adjust(region.gva, large, 1);
    assert.is((lab.write(last, pattern(16, 3)) as { info1: bigint }).info1, 0x15_8000_0007n);
    assert.equal(lab.read(last), pattern(16, 2), "reading is still allowed");
    adjust(region.gva, large, 0);
    assert.is((lab.read(last) as { info1: bigint }).info1, 0x15_8000_0005n);
  }
  const { gva, spa, gpa } = regions[0]!;
  board.set(spa, {
    ...hypervisor,
    assigned: true,
    asid: 1,
    gpa,
    validated: true,
    masks: [31, 1, 0, 0],
  });
  assert.ok(lab.read(gva) instanceof Uint8Array);
  const table = 0x9000_0000n;
  lab.map(table, lab.gpaOfTable(gva, 0n) | OPEN | lab.cBit);
  adjust(table, false, 0);
  assert.is(
    (lab.read(gva) as { info1: bigint }).info1,
    0x16_8000_0005n,
    "on the way through the table",
  );
});

test("VMPL0 makes a VMSA page and unmakes it; below VMPL0 the request's bit is ignored", () => {
  const board = new Board();
  const { lab, regions } = board;
  const { spa, gpa, gva } = regions[0]!;
  const { guest } = lab.core;
  const entry = {
    ...hypervisor,
    assigned: true,
    asid: 1,
    gpa,
    validated: true,
    masks: [31, 15, 0, 0],
  };
  board.set(spa, entry);
  const vmsaOf = () => (lab.core.firmware.rmp(spa).low >> 61n) & 1n;
  const adjust = (vmpl: number, vmsa: boolean) => {
    lab.load({ vmpl });
    return guest.rmpadjust(gva, false, { vmpl: vmpl + 1, permissions: 1, vmsa });
  };
  assert.equal([adjust(0, true), vmsaOf()], [0, 1n]);
  assert.equal([adjust(0, false), vmsaOf()], [0, 0n]);
  board.set(spa, entry);
  assert.equal([adjust(1, true), vmsaOf()], [0, 0n]);
  board.set(spa, { ...entry, vmsa: true });
  assert.equal([adjust(1, false), vmsaOf()], [0, 1n]);
});

test("a size that is none and reserved bits of RDX are refused before anything is looked at", () => {
  const made = silicon(64 * MIB, coreModule);
  startMachine(made, {
    dram: 0x100_0000n,
    resident: 64 * MIB,
    cipher: "xex",
    tweaks: new Uint8Array(1024),
    cBit: 51,
    addressBits: 46,
    snp: true,
    vmplFull: FULL,
    cacheWarp: false,
  });
  const { exports } = made;
  const { guest, firmware } = ports(made, 51);
  firmware.installKey(1, pattern(16, 1), pattern(16, 2));
  const snp = { sev: true, es: true, snp: true, paging: false, cr3: 0n, ncr3: 0n };
  guest.load({ asid: 1, vmpl: 0, cpl: 0, ...snp });
  const rdx = 0x101n;
  for (const size of [2, 3, 0xffff_ffff]) {
    assert.is(exports.pvalidate(0n, size, true), 1, `PVALIDATE, size ${size}`);
    assert.is(exports.rmpadjust(0n, size, rdx), 1, `RMPADJUST, size ${size}`);
  }
  for (let position = 17n; position < 64n; position++)
    assert.is(exports.rmpadjust(0n, 0, rdx | (1n << position)), 1, `RDX bit ${position}`);
});
