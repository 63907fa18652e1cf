// Every command of SEV-TIO in every state of the device and of its interface: legal as the twin's tables say, else its status, and
// nothing has changed. AMD 58271.
import type { TioDevice } from "../../dist/hypervisor/tsm/device.js";
import { bufferOf, type Layout } from "../../dist/layout.js";
import { commands } from "../../dist/psp/table.js";
import * as Command from "../../ts/abi/command.ts";
import * as Status from "../../ts/abi/status.ts";
import { assert, suite } from "../kit.ts";
import { deviceLegal, tdiLegal, type Verdict } from "../oracle/tio.ts";
import { Rig as PlainRig, statusName } from "../psp/rig.ts";
import { type Tdi, TioRig } from "./rig.ts";

const test = suite("states of SEV-TIO");

type Name = Extract<keyof typeof Command, `TIO_${string}`>;
const nameOf = (id: number) =>
  Object.entries(Command).find(([, known]) => known === (id & 0xfff))![0] as Name;
const layoutOf = (id: number) => commands.get(id & 0xfff)!.layout as Layout;
const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
const tioNames = (Object.keys(Command) as Name[]).filter((name) => name.startsWith("TIO_"));

test("the twin has every command that names a device", () => {
  const named = tioNames.filter((name) => "DEV_CTX_SLA" in layoutOf(Command[name]));
  const but = named.filter((name) => name !== "TIO_DEV_CREATE").map((name) => Command[name]);
  assert.equal(sorted(deviceLegal.keys()), sorted(but));
  const tdis = but.filter((id) => "TDI_CTX_SLA" in layoutOf(id) && id !== Command.TIO_TDI_CREATE);
  assert.equal(sorted([...tdiLegal.keys()].filter((id) => id < 0x1000)), sorted(tdis));
});

const onlyOnParts = [
  ["genoa", "sev-snp"],
  ["turin", "sev-snp"],
] as const;

test("a machine without SEV-TIO answers UNSUPPORTED to every command of it", () => {
  for (const [chip, generation] of onlyOnParts) {
    const rig = new PlainRig({ chip, generation });
    for (const name of tioNames)
      rig.expect(Status.UNSUPPORTED, name, layoutOf(Command[name]), {
        LENGTH: layoutOf(Command[name]).SIZE,
      });
  }
});

test("before TIO_INIT, and without TIO_EN, every command but TIO_STATUS answers INVALID_PLATFORM_STATE", () => {
  for (const flags of [0b1, 0b10001]) {
    const rig = new PlainRig({ chip: "turin", generation: "sev-tio", initialise: false });
    rig.init(flags);
    for (const name of tioNames) {
      if (name === "TIO_STATUS" || (name === "TIO_INIT" && flags !== 1)) continue;
      const layout = layoutOf(Command[name]);
      rig.expect(Status.INVALID_PLATFORM_STATE, name, layout, { LENGTH: layout.SIZE });
    }
  }
});

test("a command whose LENGTH is not its buffer's answers INVALID_LENGTH", () => {
  const rig = new TioRig();
  for (const name of tioNames) {
    if (name === "TIO_INIT") continue;
    const layout = layoutOf(Command[name]);
    for (const LENGTH of [0, layout.SIZE - 4, layout.SIZE + 4])
      rig.expect(Status.INVALID_LENGTH, name, layout, { LENGTH });
  }
});

// How a device comes to each state; the last has a DEV_MEASUREMENTS under way.
const devices: [string, (rig: TioRig) => TioDevice][] = [
  ["created", (rig) => rig.created()],
  ["connected", (rig) => rig.connected()],
  ["broken", (rig) => brokenDevice(rig)],
  ["under way", (rig) => waitingDevice(rig)],
];

/** A host that alters one sealed answer. */
function brokenDevice(rig: TioRig): TioDevice {
  const device = rig.connected();
  const { carry } = rig;
  rig.carry = (object) => {
    const answer = carry(object)!.slice();
    answer[answer.length - 5]! ^= 1;
    return answer;
  };
  const layout = layoutOf(Command.TIO_DEV_MEASUREMENTS);
  assert.is(statusName(device.command("TIO_DEV_MEASUREMENTS", layout)), "SPDM_ERROR");
  rig.carry = carry;
  return device;
}

/** A host that does not carry the message on. */
function waitingDevice(rig: TioRig): TioDevice {
  const device = rig.connected();
  const layout = layoutOf(Command.TIO_DEV_MEASUREMENTS);
  const buffer = bufferOf(layout, device.addresses(layout));
  assert.is(statusName(rig.driver.send(Command.TIO_DEV_MEASUREMENTS, buffer)), "SPDM_REQUEST");
  return device;
}

/** While a command is under way its own column comes first, then that of the state. */
const verdictOf = (row: readonly Verdict[], state: number): Verdict =>
  state === 3 && row[3] === "ok" ? row[1]! : row[state]!;

test("a command in a device state that it is not legal in answers its status", () => {
  let refused = 0;
  for (const [state, [title, make]] of devices.entries()) {
    const rig = new TioRig();
    const device = make(rig);
    for (const [id, row] of deviceLegal) {
      const verdict = verdictOf(row, state);
      if (verdict === "ok") continue;
      if (state === 3 && id === Command.TIO_DEV_MEASUREMENTS) continue;
      const unforced = state === 3 ? Status.INVALID_DEV_STATE : Status.ERR_IN_DEV_CONN;
      const layout = layoutOf(id);
      const expected = verdict === "force" ? unforced : verdict;
      rig.expect(expected, nameOf(id), layout, device.addresses(layout), title);
      refused++;
    }
  }
  assert.ok(refused > 30, `${refused} pairs`);
});

test("a command upon an interface in a state that it is not legal in answers INVALID_TDI_STATE", () => {
  let refused = 0;
  for (const state of [0, 1, 2]) {
    const rig = new TioRig();
    const tdi = rig.tdiIn(state);
    for (const [id, row] of tdiLegal) {
      const verdict = row[state];
      if (typeof verdict !== "number") continue;
      const layout = layoutOf(id);
      const values = { ...tdi.device.addresses(layout), TDI_CTX_SLA: tdi.context.sla };
      const run = id > 0xfff ? { RUN: 1 } : {};
      rig.expect(verdict, nameOf(id), layout, { ...values, ...run }, `state ${state}`);
      refused++;
    }
  }
  assert.is(refused, 8);
});

/** Fields that make a command upon an interface complete. */
function complete(rig: TioRig, tdi: Tdi, id: number): Record<string, number | bigint> {
  const all: Record<string, number | bigint> = {
    TDI_CTX_SLA: tdi.context.sla,
    GCTX_PADDR: tdi.gctx,
    GUEST_DEVICE_ID: 0x18,
    TDISP_LOCK_FLAGS: 0x10,
    RUN: Number(id > 0xfff),
    STATUS_PADDR: rig.firmwarePage(),
    REQ_PADDR: rig.page(),
    RES_PADDR: rig.firmwarePage(),
    ASID: tdi.asid,
  };
  const layout = layoutOf(id);
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in layout));
}

/** The last commands of a life. */
const ends: number[] = [
  Command.TIO_TDI_UNBIND,
  Command.TIO_TDI_RECLAIM,
  Command.TIO_DEV_DISCONNECT,
  Command.TIO_DEV_RECLAIM,
];
const inOrder = (ids: Iterable<number>) =>
  [...ids].sort((a, b) => ends.indexOf(a) - ends.indexOf(b));

test("a legal command upon an interface does what it is for", () => {
  for (const state of [0, 1, 2]) {
    const rig = new TioRig();
    const tdi = rig.tdiIn(state);
    for (const id of inOrder(tdiLegal.keys())) {
      // What locks and starts brought it here.
      if (tdiLegal.get(id)![state] !== "ok" || (id & 0xfff) === Command.TIO_TDI_BIND) continue;
      const status = tdi.device.command(nameOf(id), layoutOf(id), complete(rig, tdi, id));
      // The page of zeros is no message.
      const expected = id === Command.TIO_GUEST_REQUEST ? "INVALID_PARAM" : "SUCCESS";
      assert.is(statusName(status), expected, `${nameOf(id)} in ${state}`);
    }
  }
});

test("a legal command upon a device succeeds, by force where nothing else does", () => {
  for (const [state, [title, make]] of devices.entries()) {
    const rig = new TioRig();
    const device = make(rig);
    const gctx = rig.running(1);
    for (const id of inOrder(deviceLegal.keys())) {
      const layout = layoutOf(id);
      const verdict = verdictOf(deviceLegal.get(id)!, state);
      const isOther = "TDI_CTX_SLA" in layout || id === Command.TIO_DEV_CONNECT;
      if (typeof verdict === "number" || isOther) continue;
      const values: Record<string, number | bigint> = {
        ...(verdict === "force" ? { FLAGS: 1 } : {}),
        ...("STATUS_PADDR" in layout ? { STATUS_PADDR: rig.firmwarePage() } : {}),
        ...("ASID" in layout ? { ASID: 1 } : {}),
        ...("GCTX_PADDR" in layout ? { GCTX_PADDR: gctx } : {}),
      };
      const status = device.command(nameOf(id), layout, values);
      assert.is(statusName(status), "SUCCESS", `${nameOf(id)}, ${title}`);
    }
  }
});
