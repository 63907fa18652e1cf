// Every command in every state of the platform and of its guest: legal as the twin's table says, else its status and nothing else.
// SEV API (AMD 55766), 5 and 6; SNP firmware ABI (AMD 56860), 8.
import { commands } from "../../dist/psp/table.js";
import * as Command from "../../ts/abi/command.ts";
import * as Mailbox from "../../ts/abi/mailbox.ts";
import * as Gctx from "../../ts/abi/psp/gctx.ts";
import * as SnpActivate from "../../ts/abi/psp/snp-activate.ts";
import * as Status from "../../ts/abi/status.ts";
import { assert, suite } from "../kit.ts";
import { legal } from "../oracle/psp.ts";
import { type Name, Rig, statusName } from "./rig.ts";

const test = suite("states of the secure processor");

const names = Object.keys(Command) as Name[];
const layoutOf = (name: Name) => commands.get(Command[name])?.layout;

test("the twin's table and the firmware's have the same commands", () => {
  assert.equal([...commands.keys()].sort(), [...legal.keys()].sort());
  assert.is(names.length, commands.size);
});

// How a machine comes to each pair of platform states: SNP's, and the legacy one.
const platforms: [number, number, () => Rig][] = [
  [0, 0, () => new Rig({ initialise: false })],
  [1, 0, () => new Rig()],
  [0, 1, () => new Rig({ generation: "sev-es" })],
  [0, 2, () => working(new Rig({ generation: "sev-es" }))],
  [1, 1, () => snpAndSev()],
  [1, 2, () => working(snpAndSev())],
];

function snpAndSev(): Rig {
  const rig = new Rig();
  rig.sevInit();
  return rig;
}

function working(rig: Rig): Rig {
  rig.sevStart();
  return rig;
}

test("a command in a platform state that it is not legal in answers INVALID_PLATFORM_STATE", () => {
  let refused = 0;
  for (const [snp, sev, make] of platforms) {
    const rig = make();
    assert.equal([rig.psp.platform.snp, rig.psp.sev.state], [snp, sev]);
    for (const name of names) {
      const { snp: snpStates, sev: sevStates } = legal.get(Command[name])!;
      if (snpStates.includes(snp) && sevStates.includes(sev)) continue;
      // Not even a buffer that nobody could read is looked at.
      rig.expect(Status.INVALID_PLATFORM_STATE, name, layoutOf(name), {}, `${snp} ${sev}`);
      refused++;
    }
  }
  assert.ok(refused > 100, `${refused} pairs`);
});

test("a legal command is not refused for the platform's state", () => {
  for (const [snp, sev, make] of platforms) {
    let rig = make();
    for (const name of names) {
      const { snp: snpStates, sev: sevStates } = legal.get(Command[name])!;
      if (!(snpStates.includes(snp) && sevStates.includes(sev))) continue;
      assert.is.not(rig.send(name, layoutOf(name)), Status.INVALID_PLATFORM_STATE, name);
      const { platform, sev: legacy } = rig.psp;
      if (platform.snp !== snp || legacy.state !== sev) rig = make();
    }
  }
});

const snpGuests: [number, (rig: Rig) => bigint][] = [
  [0, (rig) => rig.create()],
  [1, (rig) => rig.launched(1)],
  [2, (rig) => rig.running(1)],
];

test("a command upon an SNP guest in a state that it is not legal in answers INVALID_GUEST_STATE", () => {
  let refused = 0;
  for (const [state, make] of snpGuests) {
    const rig = new Rig();
    const GCTX_PADDR = make(rig);
    for (const name of names) {
      const { guest } = legal.get(Command[name])!;
      const layout = layoutOf(name);
      if (!guest || !layout || !("GCTX_PADDR" in layout)) continue;
      if (guest.includes(state)) continue;
      rig.expect(Status.INVALID_GUEST_STATE, name, layout, { GCTX_PADDR }, `GSTATE ${state}`);
      refused++;
    }
  }
  assert.ok(refused > 15, `${refused} pairs`);
});

/** A SEV-ES guest brought to a state; two platforms would be needed for RUPDATE and its like, so the state is set. */
function sevGuestIn(state: number): [Rig, number] {
  const rig = new Rig({ generation: "sev-es" });
  const handle = rig.sevStart();
  rig.psp.sev.guests.get(handle)!.state = state;
  return [rig, handle];
}

test("a command upon a SEV guest in a state that it is not legal in answers INVALID_GUEST_STATE", () => {
  let refused = 0;
  for (const state of [1, 2, 3, 4, 5, 6]) {
    const [rig, HANDLE] = sevGuestIn(state);
    for (const name of names) {
      const { guest, sev } = legal.get(Command[name])!;
      if (!guest || !sev.includes(2) || sev.includes(0) || guest.includes(state)) continue;
      rig.expect(Status.INVALID_GUEST_STATE, name, layoutOf(name), { HANDLE }, `state ${state}`);
      refused++;
    }
  }
  assert.ok(refused > 60, `${refused} pairs`);
});

test("a command upon a guest that does not exist answers INVALID_GUEST, upon a place that cannot be INVALID_ADDRESS", () => {
  const rig = new Rig();
  rig.sevInit();
  rig.sevStart();
  const pages = [rig.page(), rig.firmwarePage()];
  const wrong = [1n, 0x800n, 64n << 20n, 1n << 51n, (1n << 64n) - 0x1000n];
  for (const name of names) {
    const { guest } = legal.get(Command[name])!;
    const layout = layoutOf(name);
    if (!guest || !layout) continue;
    if ("GCTX_PADDR" in layout) {
      for (const GCTX_PADDR of pages)
        rig.expect(Status.INVALID_GUEST, name, layout, { GCTX_PADDR });
      for (const GCTX_PADDR of wrong)
        rig.expect(Status.INVALID_ADDRESS, name, layout, { GCTX_PADDR });
    } else rig.expect(Status.INVALID_GUEST, name, layout, { HANDLE: 777 });
  }
});

test("a reserved byte or bit that is set answers INVALID_PARAM", () => {
  const rigs: Rig[] = [];
  for (const name of names) {
    const layout = layoutOf(name);
    if (!layout) continue;
    const { snp, sev } = legal.get(Command[name])!;
    const made = platforms.findIndex(([a, b]) => snp.includes(a) && sev.includes(b));
    rigs[made] ??= platforms[made]![2]();
    const rig = rigs[made]!;
    for (const [field, at] of Object.entries(layout)) {
      if (!field.startsWith("RESERVED_")) continue;
      rig.expect(
        Status.INVALID_PARAM,
        name,
        layout,
        { [field]: Uint8Array.of(1) },
        `${field} ${at}`,
      );
    }
    if ("FLAGS" in layout)
      rig.expect(Status.INVALID_PARAM, name, layout, { FLAGS: 1 << 30 }, "FLAGS bit 30");
  }
});

test("a number that is no command answers INVALID_COMMAND; a buffer that cannot be read INVALID_ADDRESS", () => {
  const rig = new Rig();
  const { host } = rig;
  const raw = (id: number, buffer: bigint) => {
    host.writeRegister(Mailbox.CMD_BUF_ADDR_LO, Number(buffer & 0xffff_ffffn));
    host.writeRegister(Mailbox.CMD_BUF_ADDR_HI, Number(buffer >> 32n));
    host.writeRegister(Mailbox.CMD_RESP, id * 2 ** Mailbox.COMMAND_LSB);
    return statusName(host.readRegister(Mailbox.CMD_RESP) & 0xffff);
  };
  for (let id = 0; id < 0x800; id++)
    if (!commands.has(id)) assert.is(raw(id, 0n), "INVALID_COMMAND", `${id}`);
  const end = 64n << 20n;
  for (const buffer of [0xffcn, end, 1n << 44n, (1n << 63n) | 0x1000n])
    assert.is(raw(Command.SNP_ACTIVATE, buffer), "INVALID_ADDRESS", `${buffer}`);
  assert.is(raw(Command.SNP_GCTX_CREATE, 0xff8n), "INVALID_PAGE_STATE", "the last 8 bytes will do");
});

test("the C-bit in an address says that the host wrote under its SME key", () => {
  const rig = new Rig();
  const cBit = 1n << BigInt(rig.lab.platform.chip.cBit);
  const gctx = rig.firmwarePage();
  const buffer = rig.page();
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, gctx, true);
  const ring = (address: bigint) => {
    rig.host.writeRegister(Mailbox.CMD_BUF_ADDR_LO, Number(address & 0xffff_ffffn));
    rig.host.writeRegister(Mailbox.CMD_BUF_ADDR_HI, Number(address >> 32n));
    rig.host.writeRegister(Mailbox.CMD_RESP, Command.SNP_GCTX_CREATE * 2 ** Mailbox.COMMAND_LSB);
    return rig.host.readRegister(Mailbox.CMD_RESP) & 0xffff;
  };
  assert.ok(rig.host.write(buffer, bytes, true));
  assert.is.not(ring(buffer), Status.SUCCESS, "without the C-bit it is ciphertext");
  assert.is(statusName(ring(buffer | cBit)), "SUCCESS");
  rig.expect(Status.SUCCESS, "SNP_DECOMMISSION", Gctx, { GCTX_PADDR: gctx });
});

test("only a Firmware page can become a guest's context", () => {
  const rig = new Rig();
  const create = (GCTX_PADDR: bigint, status: number) =>
    rig.expect(status, "SNP_GCTX_CREATE", Gctx, { GCTX_PADDR });
  const assign = (change: object) => {
    const spa = rig.page();
    const state = { gpa: 0n, assigned: true, pageSize: "4k", immutable: true, asid: 0 } as const;
    assert.is(rig.host.rmpupdate(spa, { ...state, ...change }), 0);
    return spa;
  };
  create(rig.page(), Status.INVALID_PAGE_STATE);
  create(assign({ immutable: false }), Status.INVALID_PAGE_STATE);
  create(assign({ asid: 1 }), Status.INVALID_PAGE_STATE);
  const context = rig.create();
  create(context, Status.INVALID_PAGE_STATE);
  create(rig.firmwarePage() + 8n, Status.INVALID_ADDRESS);
  rig.expect(Status.INVALID_GUEST_STATE, "SNP_ACTIVATE", SnpActivate, {
    GCTX_PADDR: context,
    ASID: 1,
  });
});
