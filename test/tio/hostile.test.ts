// A host that owns the bus, the tables and the mailbox, against the machine's own TSM: nothing gets into or out of the guest, and what
// it breaks is broken for itself alone.

import type { TioMachine } from "../../dist/tio/index.js";
import * as Config from "../../ts/abi/config-space.ts";
import * as Pcie from "../../ts/abi/pcie-capability.ts";
import { assert, suite } from "../kit.ts";
import {
  accepted,
  ask,
  BUFFER,
  connected,
  machine,
  PF0,
  refused,
  scribe,
  stateOf,
  UNTOUCHED,
  VF,
  WRITTEN,
} from "./scribe.ts";

const test = suite("trusted I/O before a hostile host");

const bridgeOf = (made: TioMachine) => made.platform.board!.bridge;

/** What the guest has in its first register; undefined when the hardware lets nothing through. */
function register(made: TioMachine): Uint8Array | undefined {
  const seen = new Uint8Array(8);
  try {
    made.run(function* (_tsm, cpu) {
      yield* cpu.read(made.assigned[0]!.bars[0]!.gpa, seen);
    });
  } catch {
    return undefined;
  }
  return seen;
}

/** Puts eight bytes into the first register as the guest does. */
function store(made: TioMachine, bytes: Uint8Array): void {
  made.run(function* (_tsm, cpu) {
    yield* cpu.write(made.assigned[0]!.bars[0]!.gpa, bytes);
  });
}

/** The device is asked by its own hands: no register is needed. */
function write(made: TioMachine, gpa = BUFFER): Uint8Array {
  const { endpoint, device } = made.platform.board!.devices[0]!;
  const tdi = device.tdisp.tdis.get(VF)!;
  const seen = new Uint8Array(16);
  made.run(function* (_tsm, cpu) {
    yield* cpu.write(gpa, new Uint8Array(16));
    endpoint.dma(tdi).write(gpa, WRITTEN);
    yield* cpu.read(gpa, seen);
  });
  return seen;
}

test("a BAR that is moved after the lock sends the interface to ERROR: it is not started, and reaches nothing", () => {
  const { made, rid } = connected();
  made.write(rid, "tsm/lock", "tsm0");
  const { port } = made.platform.board!.devices[0]!;
  bridgeOf(made).write(PF0, Config.BAR0, 0, 4);
  assert.ok(port.barAddress(0) !== 0n);
  assert.is(stateOf(made, PF0), "CONFIG_UNLOCKED");
  // The virtual functions' BARs are in the SR-IOV capability of function 0.
  const srIov = port.lockedRanges(false).at(-1)![0];
  bridgeOf(made).write(PF0, srIov + 0x24, 0x7000_0000, 4);
  assert.is(stateOf(made), "ERROR");
  refused("EIO", () => made.write(rid, "tsm/accept", "1"));
  assert.equal(write(made), UNTOUCHED);
});

test("registers of another function behind the guest's BAR are not validated", () => {
  const made = machine({ devices: [{ behaviour: scribe, vfs: 2 }] });
  made.tsm.write(made.node(PF0, "tsm/connect"), "tsm0");
  const rid = made.assign(VF);
  made.write(rid, "tsm/lock", "tsm0");
  const device = made.assigned[0]! as unknown as { bars: { spa: bigint }[] };
  device.bars = device.bars.map((bar) => ({ ...bar, spa: bar.spa + 0x4000n }));
  refused("EIO", () => made.write(rid, "tsm/accept", "1"));
});

test("a device that takes the place of one that proved itself gets nothing, and gives nothing", () => {
  const { made } = accepted();
  assert.equal(ask(made), WRITTEN);
  made.platform.board!.plug(1, { behaviour: scribe, vfs: 1 }, "another");
  assert.equal(write(made), UNTOUCHED);
  assert.not.equal(register(made), WRITTEN.subarray(0, 8));
});

test("a page of registers that the host maps elsewhere is not the page that was validated", () => {
  const { made } = accepted();
  store(made, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  assert.equal(register(made), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const [bar] = made.assigned[0]!.bars;
  made.vm.mapRegisters(bar!.gpa, bar!.spa + 0x1000n, 0x1000n, false);
  assert.is(register(made), undefined);
});

test("the device reaches no page of another guest, wherever the host's tables lead", () => {
  const { made } = accepted();
  const other = made.platform.createVm({ memory: 0x400000n, pageSize: "4k" });
  other.back(BUFFER, true);
  const victim = other.spaOf(BUFFER)!;
  made.vm.give(0x300000n, victim);
  const before = new Uint8Array(16);
  made.platform.core.dimm.read(victim, before);
  const { endpoint, device } = made.platform.board!.devices[0]!;
  endpoint.dma(device.tdisp.tdis.get(VF)!).write(0x300000n, WRITTEN);
  const after = new Uint8Array(16);
  made.platform.core.dimm.read(victim, after);
  assert.equal(after, before);
  assert.is(made.platform.board!.iommu.events.length, 1);
});

test("an interface that the host unbinds while it works reaches nothing from then on", () => {
  const { made } = accepted();
  assert.equal(write(made), WRITTEN);
  assert.is(made.assigned[0]!.unbind(), 0);
  assert.equal(write(made), UNTOUCHED);
  assert.is(register(made), undefined, "its registers are not the guest's any more");
});

test("a reset behind the guest's back ends the interface; with the host's word for it nothing goes on", () => {
  for (const reset of [flr, conventional]) {
    const { made } = accepted();
    reset(made);
    assert.equal(write(made), UNTOUCHED);
    assert.not.equal(register(made), WRITTEN.subarray(0, 8));
  }
});

/** A function level reset by function 0's own register. */
function flr(made: TioMachine): void {
  const { port } = made.platform.board!.devices[0]!;
  const at = port.lockedRanges(false).find(([, end]) => end % 4 === 2 && end > 0x40)![0];
  bridgeOf(made).write(PF0, at, 1 << Pcie.INITIATE_FLR_BIT, 2);
  assert.ok(["ERROR", "CONFIG_UNLOCKED"].includes(stateOf(made)));
}

function conventional(made: TioMachine): void {
  made.platform.board!.devices[0]!.device.reset();
  assert.is(stateOf(made), "CONFIG_UNLOCKED");
}

test("a host that withholds or alters the conversation of a lock gets no lock, and the guest no device", () => {
  for (const lie of [
    () => undefined,
    (answer: Uint8Array) => answer.map((byte, i) => byte ^ Number(i === 20)),
  ]) {
    const { made, rid } = connected();
    const { device } = made.platform.board!.devices[0]!;
    const { exchange } = device;
    device.exchange = (object) => {
      const answer = exchange.call(device, object);
      return answer && lie(answer);
    };
    refused("EIO", () => made.write(rid, "tsm/lock", "tsm0"));
    device.exchange = exchange;
    assert.is(made.read(rid, "tsm/lock"), "\n");
    assert.equal(write(made), UNTOUCHED);
  }
});

test("a stream that the host switches off carries nothing in the clear instead", () => {
  const { made } = accepted();
  const { stream } = made.tsm.connected(PF0);
  stream.disable();
  assert.equal(write(made), UNTOUCHED);
  assert.not.equal(register(made), WRITTEN.subarray(0, 8));
});
