import * as Config from "../../dist/abi/config-space.js";
import * as Pcie from "../../dist/abi/pcie-capability.js";
import * as SrIov from "../../dist/abi/sr-iov.js";
import { findExtended } from "../../dist/pcie/config.js";
import { lockInterface, startInterface } from "../../dist/tsm/connect.js";
import { type Rig, rig, STREAM, TDI } from "../device/rig.ts";
import { TOY } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";

const test = suite("a PCIe function and what its host does to it");

const PORT = 1;
const PCIE_AT = 0x40;
const MSI_X_AT = 0x80;
const SR_IOV_AT = 0x140;

/** An interface in CONFIG_LOCKED or RUN. */
function locked(run = true, flags = 0x15): Rig {
  const made = rig(TOY, TOY);
  const connected = made.connect();
  const { nonce } = made.run(lockInterface(connected, TDI, { flags }));
  if (run) made.run(startInterface(connected, TDI, nonce));
  return made;
}

const state = ({ device }: Rig): string => device.states()[0]!.state;

test("absent functions and offsets read as ones", () => {
  const { device } = rig(TOY, TOY);
  assert.is(device.rootPort.read(0x1234, 0, 4), 0xffffffff);
  assert.is(device.rootPort.read(TDI, 0x1000, 2), 0xffff);
  assert.is(device.rootPort.read(TDI, 1, 4), 0xffffffff);
  assert.is(device.rootPort.read(TDI, Config.VENDOR_ID, 2), 0x1af4);
});

test("software finds TEE-IO, DOE, IDE and SR-IOV by walking the lists", () => {
  const { device } = rig(TOY, TOY);
  const caps = device.rootPort.read(TDI, PCIE_AT + Pcie.DEVICE_CAPABILITIES, 4);
  assert.is((caps >>> Pcie.TEE_IO_SUPPORTED_BIT) & 1, 1);
  const find = (port: number, id: number) =>
    findExtended((at) => device.rootPort.read(device.functions[port]!.functionId, at, 4), id);
  assert.is(find(0, 0x2e), 0x100);
  assert.is(find(0, 0x30), 0x200);
  assert.is(find(1, 0x10), SR_IOV_AT);
  assert.is(find(1, 0x30), 0x200);
  assert.is(find(1, 0x2e), undefined);
});

test("a BAR answers its size, and read-only registers stay", () => {
  const { device } = rig(TOY, TOY);
  device.rootPort.write(TDI, Config.BAR0, 0xffffffff, 4);
  assert.is(device.rootPort.read(TDI, Config.BAR0, 4), 0xffff000c);
  device.rootPort.write(TDI, Config.VENDOR_ID, 0, 2);
  assert.is(device.rootPort.read(TDI, Config.VENDOR_ID, 2), 0x1af4);
});

test("memory requests are routed by address to function, BAR and offset", () => {
  const { device } = rig(TOY, TOY);
  const port = device.functions[PORT]!;
  const base = port.barAddress(2)!;
  assert.equal(device.rootPort.route(base + 0x1234n), { port, bar: 2, offset: 0x1234 });
  assert.is(device.rootPort.route(0n), undefined);
  port.config.write(SR_IOV_AT + SrIov.VF_BAR0, 0x4000_0000, 4);
  port.config.write(SR_IOV_AT + SrIov.NUM_VFS, 2, 2);
  port.config.write(SR_IOV_AT + SrIov.CONTROL, 0x9, 2);
  assert.equal(device.rootPort.route(0x4000_4010n), { port, vf: 1, bar: 0, offset: 0x10 });
  assert.is(device.rootPort.route(0x4000_8000n), undefined);
});

// What a host may do to a locked function, and the state it finds afterwards.
// biome-ignore format: a table
const EVENTS: [what: string, act: (made: Rig) => void, after: string][] = [
  ["BAR address changed",       ({ device }) => device.rootPort.write(TDI, Config.BAR0, 0x1000_0000, 4), "ERROR"],
  ["bus master cleared",        ({ device }) => device.rootPort.write(TDI, Config.COMMAND, 2, 2), "ERROR"],
  ["memory space cleared",      ({ device }) => device.rootPort.write(TDI, Config.COMMAND, 4, 2), "ERROR"],
  ["cache line size changed",   ({ device }) => device.rootPort.write(TDI, Config.CACHE_LINE_SIZE, 0x20, 1), "ERROR"],
  ["phantom functions on",      ({ device }) => device.rootPort.write(TDI, PCIE_AT + Pcie.DEVICE_CONTROL, 1 << Pcie.PHANTOM_FUNCTIONS_ENABLE_BIT, 2), "ERROR"],
  ["VFs enabled",               ({ device }) => device.rootPort.write(TDI, SR_IOV_AT + SrIov.CONTROL, 1, 2), "ERROR"],
  ["NumVFs changed",            ({ device }) => device.rootPort.write(TDI, SR_IOV_AT + SrIov.NUM_VFS, 1, 2), "ERROR"],
  ["MSI-X enabled when locked", ({ device }) => device.rootPort.write(TDI, MSI_X_AT + 2, 0x8000, 2), "ERROR"],
  ["FLR of its function",       ({ device }) => device.rootPort.write(TDI, PCIE_AT + Pcie.DEVICE_CONTROL, 0x8000, 2), "ERROR"],
  ["IDE stream switched off",   ({ device }) => device.rootPort.write(TDI, device.functions[1]!.streamBase(0) + 4, 0, 4), "ERROR"],
  ["Stream ID changed",         ({ device }) => device.rootPort.setupStream(device.functions[1]!, { streamId: 9, enable: true }), "ERROR"],
  ["a failed IDE check",        ({ device }) => device.functions[1]!.streams[0]!.clear(), "ERROR"],
  ["GET_VERSION ends sessions", ({ requester, run }) => run(requester.negotiate()), "ERROR"],
  ["firmware updated",          ({ device }) => device.event("FIRMWARE_UPDATED"), "ERROR"],
  ["security lost",             ({ device }) => device.event("SECURITY_LOST"), "ERROR"],
  ["conventional reset",        ({ device }) => device.reset(), "CONFIG_UNLOCKED"],
  ["interrupt line changed",    ({ device }) => device.rootPort.write(TDI, Config.INTERRUPT_LINE, 5, 1), "same"],
  ["the same value written",    ({ device }) => device.rootPort.write(TDI, Config.COMMAND, 6, 2), "same"],
  ["another function's FLR",    ({ device }) => device.rootPort.write(device.functions[0]!.functionId, PCIE_AT + Pcie.DEVICE_CONTROL, 0x8000, 2), "same"],
];

for (const [what, act, after] of EVENTS) {
  for (const run of [false, true]) {
    test(`${what}: ${run ? "RUN" : "CONFIG_LOCKED"} becomes ${after}`, () => {
      const made = locked(run);
      const before = state(made);
      act(made);
      assert.is(state(made), after === "same" ? before : after);
      assert.is(made.device.states()[0]!.tee, after === "same" && run);
    });
  }
}

test("without LOCK_MSIX and NO_FW_UPDATE those two may change", () => {
  const made = locked(true, 0);
  made.device.rootPort.write(TDI, MSI_X_AT + 2, 0x8000, 2);
  made.device.event("FIRMWARE_UPDATED");
  assert.is(state(made), "RUN");
});

test("a session that is silent for twice its heartbeat period ends, and its interface with it", () => {
  const made = locked();
  made.clock.time += 119_000;
  made.transport(new Uint8Array(0));
  made.run(made.requester.digests());
  assert.is(state(made), "RUN");
  made.clock.time += 2_000;
  made.run(made.requester.digests());
  assert.is(state(made), "ERROR");
  assert.is(made.device.functions[1]!.streams[0]!.isSecure, false);
});

test("who may reach a register depends on the T bit and on the state", () => {
  const made = rig(TOY, TOY);
  const connected = made.connect();
  const tdi = made.device.tdisp.tdis.get(TDI)!;
  const tee = { tee: true, bar: 2, offset: 0 };
  const host = { tee: false, bar: 2, offset: 0 };
  const hosts = { tee: false, bar: 4, offset: 0 };
  const table = () => [tdi.admits(tee), tdi.admits(host), tdi.admits(hosts)];
  assert.equal(table(), [false, true, true]);
  const { nonce } = made.run(lockInterface(connected, TDI));
  assert.equal(table(), [false, false, true]);
  made.run(startInterface(connected, TDI, nonce));
  assert.equal(table(), [true, false, true]);
  made.device.event("SECURITY_LOST");
  assert.equal(table(), [false, false, false]);
  made.run(connected.tdisp.stop(TDI));
  assert.equal(table(), [false, true, true]);
});

// LOCK_INTERFACE refused: what the host did wrong before.
// biome-ignore format: a table
const REFUSALS: [what: string, act: (made: Rig) => void, error: RegExp][] = [
  ["no default stream", ({ device }) => device.rootPort.setupStream(device.functions[1]!, { streamId: 0, isDefault: false, enable: true }), /INVALID_REQUEST/],
  ["two default streams", ({ device }) => device.rootPort.setupStream(device.functions[1]!, { streamId: 3, block: 1 }), /INVALID_REQUEST/],
  ["keys stopped", ({ device }) => device.functions[1]!.streams[0]!.clear(), /INVALID_REQUEST/],
  ["overlapping BARs", ({ device }) => device.rootPort.write(TDI, Config.BAR0, device.rootPort.read(TDI, Config.BAR0 + 8, 4) & ~15, 4), /INVALID_DEVICE_CONFIGURATION/],
  ["phantom functions", ({ device }) => device.rootPort.write(TDI, PCIE_AT + Pcie.DEVICE_CONTROL, 1 << 9, 2), /INVALID_DEVICE_CONFIGURATION/],
  ["an odd page size", ({ device }) => device.rootPort.write(TDI, SR_IOV_AT + SrIov.SYSTEM_PAGE_SIZE, 2, 4), /INVALID_DEVICE_CONFIGURATION/],
];

for (const [what, act, error] of REFUSALS) {
  test(`LOCK_INTERFACE is refused with ${what}`, () => {
    const made = rig(TOY, TOY);
    const connected = made.connect();
    act(made);
    assert.throws(() => made.run(lockInterface(connected, TDI)), error);
    assert.is(state(made), "CONFIG_UNLOCKED");
  });
}

test("P2P streams and MMIO attributes change in RUN only, and only what may", () => {
  const made = rig(TOY, TOY);
  const connected = made.connect();
  const { tdisp } = connected;
  const { nonce, report } = made.run(lockInterface(connected, TDI, { flags: 1 << 3 }));
  assert.throws(() => made.run(tdisp.bindP2pStream(TDI, 0)), /INVALID_INTERFACE_STATE/);
  made.run(startInterface(connected, TDI, nonce));
  made.run(tdisp.bindP2pStream(TDI, 0));
  assert.throws(() => made.run(tdisp.bindP2pStream(TDI, 0)), /INVALID_REQUEST/);
  made.run(tdisp.unbindP2pStream(TDI, 0));
  assert.throws(() => made.run(tdisp.unbindP2pStream(TDI, 0)), /INVALID_REQUEST/);
  assert.throws(() => made.run(tdisp.bindP2pStream(TDI, 5)), /INVALID_REQUEST/);
  const range = report.octets.slice(16, 32);
  range[12]! |= 1 << 2;
  made.run(tdisp.setMmioAttribute(TDI, range));
  assert.is(made.device.tdisp.tdis.get(TDI)!.admits({ tee: false, bar: 0, offset: 0 }), true);
  range[12]! |= 1 << 0;
  assert.throws(() => made.run(tdisp.setMmioAttribute(TDI, range)), /INVALID_REQUEST/);
  assert.is(STREAM.streamId, 0);
});

test("the report hides addresses behind the offset and keeps MSI-X apart when it is locked", () => {
  const made = rig(TOY, TOY);
  const connected = made.connect();
  const reportingOffset = 0xd000_0000n;
  const { report } = made.run(lockInterface(connected, TDI, { flags: 1 << 2, reportingOffset }));
  const base = made.device.functions[1]!.barAddress(0)!;
  assert.is(report.ranges[0]!.firstPage, (base + reportingOffset) >> 12n);
  assert.equal(
    report.ranges.map(({ rangeId, pages, attributes }) => [rangeId, pages, attributes]),
    [
      [0, 8, 8],
      [0, 1, 1],
      [0, 1, 2],
      [0, 6, 8],
      [2, 256, 8],
      [4, 1, 4],
    ],
  );
});
