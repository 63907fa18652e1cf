// The ASID commands: state x command, every documented status, and that a refusal changes nothing.
// SEV API (AMD 55766), 6; SNP firmware ABI (AMD 56860), 8; DESIGN.md 3.
import { featuresOf } from "../../dist/chip/chip.js";
import { MailboxDriver } from "../../dist/hypervisor/mailbox.js";
import { makeFirmware } from "../../dist/hypervisor/page-state.js";
import { prng } from "../../dist/index.js";
import type { Guest } from "../../dist/psp/asids.js";
import { createContext } from "../../dist/psp/context.js";
import { firmware } from "../../dist/psp/firmware.js";
import * as Command from "../../ts/abi/command.ts";
import * as Code from "../../ts/abi/exit.ts";
import * as Mailbox from "../../ts/abi/mailbox.ts";
import * as Slot from "../../ts/abi/slot.ts";
import * as Status from "../../ts/abi/status.ts";
import type { Exit } from "../../ts/port.ts";
import { hex, rmpLow } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("ASID commands");

const MIN_SEV_ASID = 0x80;
const LAST = 1006;
const GPA = 0x20_0000n;

/** A machine with its firmware and two guests that are admitted and not active; `context` pages for SNP. */
function board(generation: "sev-es" | "sev-snp", kind: "sev" | "sev-es" | "snp") {
  const lab = new Lab({ generation, chip: "genoa" }, 70);
  const { core, platform } = lab;
  const psp = firmware(core.firmware, platform.chip, prng(3n, "psp test"), featuresOf(generation));
  const driver = new MailboxDriver(core.host, lab.small());
  const admit = (): Guest => {
    if (kind !== "snp") return psp.guests.admit(kind);
    const page = lab.small();
    makeFirmware(core.host, page);
    return createContext(core.firmware, psp.guests, page) as Guest;
  };
  const buffer = (name: bigint, asid?: number) => {
    const view = new DataView(new ArrayBuffer(kind === "snp" ? 12 : 8));
    if (kind === "snp") view.setBigUint64(0, name, true);
    else view.setUint32(0, Number(name), true);
    view.setUint32(kind === "snp" ? 8 : 4, asid ?? 0, true);
    return new Uint8Array(view.buffer);
  };
  const snp = kind === "snp";
  const send = {
    activate: (name: bigint, asid: number) =>
      driver.send(snp ? Command.SNP_ACTIVATE : Command.ACTIVATE, buffer(name, asid)),
    deactivate: (name: bigint) => driver.send(Command.DEACTIVATE, buffer(name)),
    decommission: (name: bigint) =>
      driver.send(snp ? Command.SNP_DECOMMISSION : Command.DECOMMISSION, buffer(name)),
    flush: () => driver.send(snp ? Command.SNP_DF_FLUSH : Command.DF_FLUSH),
  };
  const guests = [admit(), admit()] as const;
  /** What a refused command must not change. */
  const state = () => {
    const slots = Array.from({ length: 256 }, (_, asid) => core.firmware.slotState(asid));
    const own = guests.map(({ name, asid, key }) => [
      name,
      asid,
      hex(key),
      psp.guests.find(name, snp) !== undefined,
    ]);
    const contexts = snp ? guests.map(({ name }) => core.firmware.rmp(name)) : [];
    return [slots, own, contexts, core.firmware.flushes(), core.firmware.validatedOf(1)];
  };
  const expect = (status: number, command: () => number, what: string) => {
    const before = state();
    assert.is(command(), status, what);
    if (status !== Status.SUCCESS) assert.equal(state(), before, `${what} changed something`);
  };
  return { lab, psp, send, expect, a: guests[0], b: guests[1] };
}

type Board = ReturnType<typeof board>;
const UNKNOWN = 0x7777_0000n;

test("the legacy life of an ASID: every command in every state of its guest", () => {
  for (const kind of ["sev", "sev-es"] as const) {
    const { lab, send, expect, a, b } = board("sev-es", kind);
    const asid = kind === "sev" ? MIN_SEV_ASID + 3 : 3;
    const other = asid + 1;
    const { host } = lab.core;
    const unknown = () => {
      expect(Status.INVALID_GUEST, () => send.activate(UNKNOWN, asid), "unknown ACTIVATE");
      expect(Status.INVALID_GUEST, () => send.deactivate(UNKNOWN), "unknown DEACTIVATE");
      expect(Status.INVALID_GUEST, () => send.decommission(UNKNOWN), "unknown DECOMMISSION");
    };
    unknown();
    expect(Status.SUCCESS, send.flush, "nothing to flush");
    expect(Status.SUCCESS, () => send.activate(a.name, asid), "ACTIVATE");
    assert.is(lab.core.firmware.slotState(asid), Slot.ACTIVE);
    unknown();
    expect(Status.ACTIVE, () => send.activate(a.name, other), "ACTIVATE of an active guest");
    expect(Status.ASID_OWNED, () => send.activate(b.name, asid), "ACTIVATE of a held ASID");
    expect(Status.ACTIVE, () => send.decommission(a.name), "DECOMMISSION of an active guest");
    expect(Status.SUCCESS, () => send.deactivate(a.name), "DEACTIVATE");
    for (const guest of [a, b])
      expect(Status.WBINVD_REQUIRED, () => send.activate(guest.name, asid), "before WBINVD");
    expect(Status.WBINVD_REQUIRED, send.flush, "DF_FLUSH before WBINVD");
    host.wbinvd();
    for (const guest of [a, b])
      expect(Status.DFFLUSH_REQUIRED, () => send.activate(guest.name, asid), "before DF_FLUSH");
    expect(Status.SUCCESS, () => send.activate(b.name, other), "another ASID is not concerned");
    expect(Status.SUCCESS, send.flush, "DF_FLUSH");
    expect(Status.SUCCESS, () => send.activate(a.name, asid), "ACTIVATE again");
    expect(Status.SUCCESS, () => send.deactivate(a.name), "DEACTIVATE again");
    expect(Status.SUCCESS, () => send.decommission(a.name), "DECOMMISSION");
    expect(Status.INVALID_GUEST, () => send.activate(a.name, asid), "a guest that is gone");
    expect(Status.INVALID_GUEST, () => send.decommission(a.name), "a guest that is gone");
    expect(Status.SUCCESS, () => send.deactivate(b.name), "DEACTIVATE of the other");
    host.wbinvd();
    expect(
      Status.SUCCESS,
      () => send.deactivate(b.name),
      "DEACTIVATE of an inactive guest is nothing",
    );
    expect(Status.SUCCESS, send.flush, "both ASIDs flushed at once");
  }
});

test("the SNP life of an ASID: it is freed by DECOMMISSION, and the context page goes back to the firmware", () => {
  const { lab, send, expect, a, b } = board("sev-snp", "snp");
  const { host, firmware: port } = lab.core;
  expect(Status.INVALID_GUEST, () => send.activate(UNKNOWN, 1), "unknown");
  expect(Status.INVALID_GUEST, () => send.decommission(UNKNOWN), "unknown");
  expect(Status.SUCCESS, () => send.activate(a.name, 1), "SNP_ACTIVATE");
  expect(Status.ACTIVE, () => send.activate(a.name, 2), "active already");
  expect(Status.ASID_OWNED, () => send.activate(b.name, 1), "held");
  expect(Status.SUCCESS, () => send.decommission(a.name), "SNP_DECOMMISSION");
  assert.is(
    port.rmp(a.name).low & 0x2000_0000_0000_0007n,
    5n,
    "Firmware: assigned, immutable, no VMSA",
  );
  expect(Status.INVALID_GUEST, () => send.activate(a.name, 1), "gone");
  expect(Status.WBINVD_REQUIRED, () => send.activate(b.name, 1), "before WBINVD");
  expect(Status.WBINVD_REQUIRED, send.flush, "SNP_DF_FLUSH before WBINVD");
  host.wbinvd();
  expect(Status.DFFLUSH_REQUIRED, () => send.activate(b.name, 1), "before SNP_DF_FLUSH");
  expect(Status.SUCCESS, send.flush, "SNP_DF_FLUSH");
  expect(Status.SUCCESS, () => send.activate(b.name, 1), "free again");
});

// kind, ASIDs it may not have
const asids: ["sev" | "sev-es" | "snp", number[]][] = [
  ["sev", [0, 1, MIN_SEV_ASID - 1, LAST + 1, 1023, 1024, 0xffff_ffff]],
  ["sev-es", [0, MIN_SEV_ASID, LAST, 1024, 0xffff_ffff]],
  ["snp", [0, MIN_SEV_ASID, LAST, 1024, 0xffff_ffff]],
];

test("each kind of guest has its own ASIDs", () => {
  for (const [kind, wrong] of asids) {
    const { send, expect, a } = board(kind === "snp" ? "sev-snp" : "sev-es", kind);
    for (const asid of wrong)
      expect(Status.INVALID_ASID, () => send.activate(a.name, asid), `${kind} ASID ${asid}`);
    const last = kind === "sev" ? LAST : MIN_SEV_ASID - 1;
    expect(Status.SUCCESS, () => send.activate(a.name, last), `${kind} ASID ${last}`);
  }
});

test("a guest of one book is no guest of the other", () => {
  const legacy = board("sev-snp", "sev-es");
  const driver = new MailboxDriver(legacy.lab.core.host, legacy.lab.small());
  const buffer = new Uint8Array(12);
  buffer[0] = Number(legacy.a.name);
  buffer[8] = 1;
  legacy.expect(
    Status.INVALID_GUEST,
    () => driver.send(Command.SNP_ACTIVATE, buffer),
    "a handle is no context",
  );
  legacy.expect(
    Status.INVALID_GUEST,
    () => driver.send(Command.SNP_DECOMMISSION, buffer),
    "a handle is no context",
  );
});

/** A validated page of ASID 1 that its guest left behind. */
function leave({ lab }: Board): bigint {
  const spa = lab.small();
  lab.core.firmware.setRmp(
    spa,
    rmpLow({ assigned: true, validated: true, asid: 1, gpa: GPA }),
    0xfn,
  );
  return spa;
}

test("an ASID is owned while a validated page names it, unless its last holder comes back", () => {
  const made = board("sev-snp", "sev-es");
  const { lab, send, expect, a, b } = made;
  expect(Status.SUCCESS, () => send.activate(a.name, 1), "ACTIVATE");
  const spa = leave(made);
  expect(Status.SUCCESS, () => send.deactivate(a.name), "DEACTIVATE");
  lab.core.host.wbinvd();
  expect(Status.SUCCESS, send.flush, "DF_FLUSH");
  expect(Status.ASID_OWNED, () => send.activate(b.name, 1), "another guest");
  expect(Status.SUCCESS, () => send.activate(a.name, 1), "the last holder");
  expect(Status.SUCCESS, () => send.deactivate(a.name), "DEACTIVATE");
  lab.core.host.wbinvd();
  expect(Status.SUCCESS, send.flush, "DF_FLUSH");
  const free = { gpa: 0n, assigned: false, pageSize: "4k", immutable: false, asid: 0 } as const;
  assert.is(lab.core.host.rmpupdate(spa, free), 0);
  expect(Status.SUCCESS, () => send.activate(b.name, 1), "no validated page names it");
});

test("the pages of a decommissioned SNP guest keep its ASID from the next until they are taken back", () => {
  const made = board("sev-snp", "snp");
  const { lab, send, expect, a, b } = made;
  expect(Status.SUCCESS, () => send.activate(a.name, 1), "SNP_ACTIVATE");
  const spa = leave(made);
  expect(Status.SUCCESS, () => send.decommission(a.name), "SNP_DECOMMISSION");
  lab.core.host.wbinvd();
  expect(Status.SUCCESS, send.flush, "SNP_DF_FLUSH");
  expect(Status.ASID_OWNED, () => send.activate(b.name, 1), "owned");
  const free = { gpa: 0n, assigned: false, pageSize: "4k", immutable: false, asid: 0 } as const;
  assert.is(lab.core.host.rmpupdate(spa, free), 0);
  expect(Status.SUCCESS, () => send.activate(b.name, 1), "free");
});

test("VMRUN of an encrypted guest on an ASID without an activated guest exits VMEXIT_INVALID", () => {
  const { lab, send, a } = board("sev-es", "sev-es");
  const run = () => {
    lab.load({ asid: 5, paging: false });
    return [lab.core.guest.mayRun(), lab.read(GPA) instanceof Uint8Array];
  };
  lab.back(GPA);
  assert.equal(run(), [false, false]);
  const exit = lab.read(GPA) as Exit;
  assert.equal([exit.kind, exit.code], [Code.VMEXIT, 0xffff_ffff_ffff_ffffn]);
  send.activate(a.name, 5);
  assert.equal(run(), [true, true]);
  send.deactivate(a.name);
  assert.equal(run(), [false, false]);
});

test("a guest that is activated again finds its memory; another guest on the ASID finds garbage", () => {
  const { lab, send, a, b } = board("sev-es", "sev-es");
  const load = (asid: number) => lab.load({ asid, paging: false });
  lab.back(GPA);
  const plain = new Uint8Array(64).fill(7);
  const turn = (guest: Guest) => {
    lab.core.host.wbinvd();
    assert.is(send.flush(), Status.SUCCESS);
    assert.is(send.activate(guest.name, 5), Status.SUCCESS);
    load(5);
  };
  turn(a);
  lab.write(GPA, plain);
  send.deactivate(a.name);
  turn(b);
  assert.is.not(hex(lab.read(GPA, 64) as Uint8Array), hex(plain));
  send.deactivate(b.name);
  turn(a);
  assert.is(hex(lab.read(GPA, 64) as Uint8Array), hex(plain));
});

test("a device bound to a guest that was decommissioned is refused", () => {
  const { lab, send, a } = board("sev-snp", "snp");
  send.activate(a.name, 1);
  const spa = lab.small();
  lab.nest(GPA, spa);
  lab.core.firmware.setRmp(
    spa,
    rmpLow({ assigned: true, validated: true, asid: 1, gpa: GPA }),
    0xfn,
  );
  lab.core.firmware.bind(4, lab.root, 1, 0);
  assert.ok(lab.core.device.read(4, GPA, new Uint8Array(16)));
  send.decommission(a.name);
  assert.not.ok(lab.core.device.read(4, GPA, new Uint8Array(16)));
  assert.is(lab.core.device.exit().code, BigInt(Code.IO_PAGE_FAULT));
});

test("commands that do not exist, or need SNP, or whose buffer cannot be read, are refused", () => {
  const { lab, expect } = board("sev-es", "sev-es");
  const { host } = lab.core;
  const raw = (id: number, buffer: bigint) => {
    host.writeRegister(Mailbox.CMD_BUF_ADDR_LO, Number(buffer & 0xffff_ffffn));
    host.writeRegister(Mailbox.CMD_BUF_ADDR_HI, Number(buffer >> 32n));
    host.writeRegister(Mailbox.CMD_RESP, id * 2 ** Mailbox.COMMAND_LSB);
    return host.readRegister(Mailbox.CMD_RESP) & 0xffff;
  };
  for (const id of [0x000, 0x07f, 0x123, 0x7ff])
    expect(Status.INVALID_COMMAND, () => raw(id, 0n), `command ${id}`);
  for (const id of [Command.SNP_ACTIVATE, Command.SNP_DECOMMISSION, Command.SNP_DF_FLUSH])
    expect(Status.INVALID_PLATFORM_STATE, () => raw(id, 0n), `command ${id}`);
  const cBit = 1n << BigInt(lab.platform.chip.cBit);
  for (const buffer of [0xffcn, 64n << 30n, 1n << 44n, (1n << 63n) | 0x1000n, cBit | 0x1000n])
    expect(Status.INVALID_ADDRESS, () => raw(Command.ACTIVATE, buffer), `buffer ${buffer}`);
  expect(
    Status.INVALID_GUEST,
    () => raw(Command.ACTIVATE, 0xff8n),
    "the last 8 bytes of a page will do",
  );
});

test("only a Firmware page can become a guest's context", () => {
  const { lab, psp } = board("sev-snp", "snp");
  const { firmware: port } = lab.core;
  const spa = lab.small();
  const count = (fields: Parameters<typeof rmpLow>[0]) => {
    port.setRmp(spa, rmpLow(fields), 0n);
    const before = port.rmp(spa);
    const answer = createContext(port, psp.guests, spa);
    if (typeof answer === "number") assert.equal(port.rmp(spa), before);
    return answer;
  };
  assert.is(count({}), Status.INVALID_PAGE_STATE);
  assert.is(count({ assigned: true }), Status.INVALID_PAGE_STATE);
  assert.is(count({ assigned: true, immutable: true, vmsa: true }), Status.INVALID_PAGE_STATE);
  assert.is(count({ assigned: true, immutable: true, asid: 1 }), Status.INVALID_PAGE_STATE);
  assert.is(count({ assigned: true, immutable: true, gpa: 0x1000n }), Status.INVALID_PAGE_STATE);
  assert.is(createContext(port, psp.guests, spa + 8n), Status.INVALID_ADDRESS);
  assert.is((count({ assigned: true, immutable: true }) as Guest).name, spa);
});
