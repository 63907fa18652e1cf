import * as Spdm from "../../dist/abi/spdm.js";
import { MEASUREMENT_ALL } from "../../dist/abi/spdm.js";
import { certificateOf } from "../../dist/spdm/certificate.js";
import { hex } from "../../dist/spdm/octets.js";
import { disconnectDevice, lockInterface, startInterface } from "../../dist/tsm/connect.js";
import { heartbeat, openSession, updateKeys } from "../../dist/tsm/key-exchange.js";
import { measurements } from "../../dist/tsm/measure.js";
import { rig, STREAM, TDI } from "../device/rig.ts";
import { assert, suite } from "../kit.ts";

const test = suite("a TSM and a TDISP device");

const versions = [0x11, 0x12, 0x13];
const offers = [
  { asym: 1 << 7, hash: 1 << 1, dhe: 1 << 4, aead: 1 << 1 },
  { asym: 1 << 4, hash: 1 << 0, dhe: 1 << 3, aead: 1 << 0 },
  { asym: 1 << 4, hash: 1 << 1, dhe: 1 << 4, aead: 1 << 0 },
];

for (const version of versions) {
  for (const [i, offer] of offers.entries()) {
    test(`connect, lock, start and stop at 1.${version & 15} with algorithms ${i}`, () => {
      const { device, requester, run, connect } = rig({}, { versions: [version], offer });
      const connected = connect();
      assert.is(requester.version, version);
      assert.is(connected.keys.size, 6);
      assert.is(device.functions[1]!.streams[0]!.isSecure, true);
      const { nonce, report } = run(lockInterface(connected, TDI, { flags: 0x15 }));
      assert.is(device.tdisp.tdis.get(TDI)!.state, 1);
      assert.is(report.ranges.length > 3, true);
      run(startInterface(connected, TDI, nonce));
      assert.equal(device.states()[0], { functionId: TDI, state: "RUN", tee: true });
      run(heartbeat(requester, connected.session));
      for (const all of [false, true]) run(updateKeys(requester, connected.session, all));
      const inside = run(measurements(requester, {}, connected.session));
      assert.equal(inside.blocks, connected.measurements);
      assert.is(device.states()[0]!.state, "RUN");
      run(disconnectDevice(connected, [TDI]));
      assert.is(device.states()[0]!.state, "CONFIG_UNLOCKED");
      assert.is(device.functions[1]!.streams[0]!.hasKeys, false);
      assert.is(device.spdm.sessions.size, 0);
    });
  }
}

test("the link keys the TSM has are those the device has", () => {
  const { device, connect } = rig();
  const { keys } = connect();
  const stream = device.functions[1]!.streams[0]!;
  for (const [lane, key] of keys) {
    const sent = lane & 2 ? stream.transmitKey(lane >> 4)?.key : stream.receiveKey(lane >> 4, 0);
    assert.is(hex(sent!.key), hex(key));
  }
});

test("the same seeds replay the same conversation to the last octet", () => {
  const talk = () => {
    const octets: string[] = [];
    const { requester, transport } = rig();
    const exchange = requester.connect();
    let step = exchange.next();
    while (!step.done) {
      const answer = transport(step.value);
      octets.push(hex(step.value), hex(answer!));
      step = exchange.next(answer);
    }
    return octets.join("\n");
  };
  assert.is(talk(), talk());
});

test("eight slots each have a key of their own, and each opens a session", () => {
  const { requester, run } = rig({ slotCount: 8, sessions: 8 });
  run(requester.connect());
  const digests = run(requester.digests());
  assert.equal([...digests.keys()], [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.is(new Set([...digests.values()].map(hex)).size, 8);
  for (const slot of digests.keys()) {
    run(requester.certificate(slot));
    run(requester.challenge(slot, Spdm.SUMMARY_ALL));
    run(openSession(requester, slot));
  }
});

test("raw measurements are what their digests are of", () => {
  const { requester, run } = rig();
  run(requester.connect());
  run(requester.certificate(0));
  const digests = run(measurements(requester, { raw: false })).blocks;
  const raws = run(measurements(requester, { raw: true })).blocks;
  for (const [i, raw] of raws.entries()) {
    const digest = digests[i]!;
    const expected = digest.raw ? raw.value : requester.suite.measurementHash!.digest(raw.value);
    assert.is(raw.raw, true);
    assert.is(hex(expected), hex(digest.value));
  }
  const { count } = run(measurements(requester, { operation: 0, signed: false }));
  assert.is(count, digests.length);
});

test("messages larger than a transfer travel in chunks both ways", () => {
  const small = { dataTransferSize: 64, maxMessageSize: 0x4000 };
  const { requester, run } = rig(small, small);
  run(requester.connect());
  run(requester.digests());
  run(requester.certificate(0));
  run(requester.challenge(0));
  assert.is(run(measurements(requester, { operation: MEASUREMENT_ALL })).blocks.length > 3, true);
  const { session } = run(openSession(requester, 0));
  assert.is(run(measurements(requester, {}, session)).blocks.length > 3, true);
});

test("a responder's certificates say that they are emulated", () => {
  const { device } = rig();
  for (const der of device.spdm.slots[0]!.p384!.certificates) {
    const { extensions } = certificateOf(der, "certificate");
    assert.is(
      [...extensions.keys()].some((each) => each.startsWith("2.25.")),
      true,
    );
  }
});

test("a root that was not given is not believed", () => {
  const other = rig({}, {}, "other");
  const roots = [other.device.spdm.slots[0]!.p384!.certificates[0]!];
  const { requester, run } = rig({}, { roots });
  run(requester.connect());
  assert.throws(() => run(requester.certificate(0)), /none of the roots given/);
  const mine = rig();
  const own = rig({}, { roots: [mine.device.spdm.slots[0]!.p384!.certificates[0]!] });
  own.run(own.requester.connect());
  assert.is(own.run(own.requester.certificate(0)).certificates.length, 3);
});

test("one device has several interfaces, each with a state of its own", () => {
  const { device, run, connect } = rig();
  const connected = connect();
  const ids = [...device.tdisp.tdis.keys()];
  assert.is(ids.length, 4);
  const [first, , vf] = ids as [number, number, number];
  const { nonce } = run(lockInterface(connected, vf));
  run(startInterface(connected, vf, nonce));
  assert.is(device.tdisp.tdis.get(first)!.state, 0);
  assert.is(device.tdisp.tdis.get(vf)!.state, 2);
  assert.is(STREAM.portIndex, 1);
});
