// The field guide's seven steps with a guest of its own, phase by phase; and what becomes of a host that lies on the way.
import { Errno } from "../../dist/tio/index.js";
import { assert, suite } from "../kit.ts";
import {
  accepted,
  ask,
  BUFFER,
  connected,
  machine,
  PF0,
  refused,
  stateOf,
  UNTOUCHED,
  VF,
  WRITTEN,
} from "./scribe.ts";

const test = suite("trusted I/O as its guest sees it");

test("seven steps lead to a device that writes into the guest's private memory", () => {
  const made = machine();
  assert.is(made.tsm.read("/sys/class/tsm/"), "tsm0\n");
  assert.ok(made.tsm.nodes(PF0).includes("tsm/connect"));
  made.tsm.write(made.node(PF0, "tsm/connect"), "tsm0\n");
  const rid = made.assign(VF);
  assert.equal(ask(made), UNTOUCHED, "not locked, it reaches nothing private");
  made.write(rid, "tsm/lock", "tsm0\n");
  assert.is(stateOf(made), "CONFIG_LOCKED");
  assert.is(made.read(rid, "tsm/lock"), "tsm0\n");
  assert.is(made.tsm.read(made.node(VF, "tsm/bound")), "tsm0\n");
  assert.is(made.read(rid, "tsm/accept"), "0\n");
  made.write(rid, "tsm/accept", "1\n");
  assert.is(made.read(rid, "tsm/accept"), "1\n");
  assert.is(stateOf(made), "RUN");
  assert.equal(ask(made), WRITTEN);
  const host = new Uint8Array(16);
  made.platform.core.host.read(made.vm.spaOf(BUFFER)!, host);
  assert.not.equal(host, WRITTEN, "the host sees ciphertext");
});

test("the guest verifies the device's chain and measurements, and may refuse them", () => {
  let measured = 0;
  const { made, rid } = connected({
    judge: ({ measurements, believed }) => {
      measured = measurements.length;
      assert.not(believed);
    },
  });
  made.write(rid, "tsm/lock", "tsm0");
  assert.is(measured, 6);
  const late = connected({ clock: { now: () => Date.UTC(2400, 0, 1) } });
  refused("EIO", () => late.made.write(late.rid, "tsm/lock", "tsm0"));
  const strict = connected({ roots: [Uint8Array.of(0x30, 0)] });
  refused("EIO", () => strict.made.write(strict.rid, "tsm/lock", "tsm0"));
  assert.is(stateOf(strict.made), "CONFIG_UNLOCKED", "what was refused is not left locked");
});

test("tsm/lock, accept and unlock answer Linux's errnos", () => {
  const { made, rid } = connected();
  const write = (name: string, text: string) => () => made.write(rid, name, text);
  refused("EINVAL", write("tsm/lock", "tsm"));
  refused("ENXIO", write("tsm/lock", "tsm7"));
  refused("ENXIO", write("tsm/unlock", "tsm0"));
  refused("ENXIO", write("tsm/accept", "1"));
  refused("EINVAL", write("tsm/accept", "0"));
  refused("ENOENT", write("tsm/connect", "tsm0"));
  refused("EACCES", () => made.read(rid, "tsm/unlock"));
  const setDriver = (bound: boolean) => made.look((tsm) => tsm.setDriver(rid, bound));
  setDriver(true);
  refused("EBUSY", write("tsm/lock", "tsm0"));
  setDriver(false);
  write("tsm/lock", "tsm0")();
  refused("EBUSY", write("tsm/lock", "tsm0"));
  refused("EINVAL", write("tsm/unlock", "tsm1"));
  write("tsm/accept", "1")();
  refused("EBUSY", write("tsm/accept", "1"));
});

test("tsm/unlock takes the guest's memory from the device, and can be followed by another lock", () => {
  const { made, rid } = accepted();
  made.write(rid, "tsm/unlock", "tsm0\n");
  assert.is(stateOf(made), "CONFIG_UNLOCKED");
  assert.is(made.read(rid, "tsm/lock"), "\n");
  assert.is(made.tsm.read(made.node(VF, "tsm/bound")), "\n");
  assert.equal(ask(made), UNTOUCHED);
  made.write(rid, "tsm/lock", "tsm0");
  made.write(rid, "tsm/accept", "1");
  assert.equal(ask(made), WRITTEN);
});

test("phase 1 encrypts links and no more; phase 2 locks and starts; from phase 3 on memory is private; phase 4 gives evidence", () => {
  const first = connected({ phase: 1 });
  refused("ENXIO", () => first.made.write(first.rid, "tsm/lock", "tsm0"));
  assert.ok(first.made.tsm.connected(PF0).stream.isSecure);
  const second = accepted({ phase: 2 });
  assert.is(stateOf(second.made), "RUN");
  assert.equal(ask(second.made), UNTOUCHED);
  const third = accepted({ phase: 3 });
  assert.equal(ask(third.made), WRITTEN);
  assert.is(third.made.attested(third.rid), undefined);
});

test("evidence that the host altered, left out or kept from an earlier lock is not believed", () => {
  const { made, rid } = connected();
  const dsm = made.tsm.connected(PF0);
  const [device] = made.assigned;
  const { certificates, measurements } = dsm;
  const bind = device!.bind.bind(device);
  const lies: [string, () => void][] = [
    ["another chain", () => (dsm.certificates = () => new Uint8Array(1000))],
    ["no measurements", () => (dsm.measurements = () => undefined)],
    [
      "measurements over another nonce",
      () => (dsm.measurements = () => measurements.call(dsm, new Uint8Array(32))),
    ],
    [
      "a report of other registers",
      () => {
        device!.bind = () => {
          const status = bind();
          device!.tdi!.report[20]! ^= 1;
          return status;
        };
      },
    ],
  ];
  for (const [title, lie] of lies) {
    lie();
    refused("EIO", () => made.write(rid, "tsm/lock", "tsm0"));
    assert.is(stateOf(made), "CONFIG_UNLOCKED", title);
    Object.assign(dsm, { certificates, measurements });
    Object.assign(device!, { bind });
  }
  made.write(rid, "tsm/lock", "tsm0");
});

test("a guest that ends leaves no interface locked, and its pages of registers to the host", () => {
  const { made } = accepted();
  const { spa } = made.assigned[0]!.bars[0]!;
  made.vm.dispose();
  assert.is(stateOf(made), "CONFIG_UNLOCKED");
  assert.is(made.platform.core.firmware.rmp(spa).low, 0n);
});

test("an errno is an error that names itself", () => {
  const error = new Errno("EBUSY", "0000:01:00.0");
  assert.equal([error.errno, error.message], ["EBUSY", "EBUSY: 0000:01:00.0"]);
});
