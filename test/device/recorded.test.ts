import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { TdispDevice } from "../../dist/device/device.js";
import { seeded } from "../../dist/spdm/chance.js";
import type { Exchange } from "../../dist/spdm/exchange.js";
import { hex } from "../../dist/spdm/octets.js";
import {
  connectDevice,
  disconnectDevice,
  lockInterface,
  startInterface,
} from "../../dist/tsm/connect.js";
import { updateKeys } from "../../dist/tsm/key-exchange.js";
import { SpdmRequester } from "../../dist/tsm/spdm.js";
import { assert, suite } from "../kit.ts";
import { packetsOf, type RecordedPacket } from "../pcapng.ts";
import { STREAM, TDI } from "./rig.ts";

const test = suite("conversations with DMTF's tools, replayed without them");

const folder = new URL("../vectors/", import.meta.url);
const recorded = (name: string): RecordedPacket[] => {
  const file = readFileSync(new URL(name, folder));
  const { linkType, packets } = packetsOf(name.endsWith(".gz") ? gunzipSync(file) : file);
  assert.is(linkType, 147);
  return packets;
};

/** What DMTF's side sent, into a device with the seed of the recording: every answer must be the recorded one. */
function replay(packets: RecordedPacket[]): { device: TdispDevice; answers: number } {
  const clock = { time: packets[0]!.time, now: () => clock.time };
  const device = new TdispDevice({ prng: seeded("recorded"), clock });
  device.configure();
  let answers = 0;
  for (const [i, { outbound, object, time, comment }] of packets.entries()) {
    if (!outbound) continue;
    clock.time = time;
    const next = packets[i + 1];
    const expected = next && !next.outbound ? hex(next.object) : undefined;
    const answer = device.exchange(object);
    assert.is(answer && hex(answer), expected, `packet ${i}: ${comment}`);
    answers++;
  }
  return { device, answers };
}

for (const version of ["1.1", "1.2", "1.3"]) {
  test(`DMTF's requester at ${version} locks, starts and stops the interface again`, () => {
    const packets = recorded(`dmtf-requester-${version}.pcapng`);
    const { device, answers } = replay(packets);
    assert.is(answers > 60, true);
    const said = packets.map((each) => each.comment).join("\n");
    for (const step of [
      "IDE_KM QUERY_RESP",
      "IDE_KM KP_ACK, stream 0, lane 0x22, port 1, status 0",
      "LOCK_INTERFACE_RESPONSE",
      "START_INTERFACE_RESPONSE",
      "DEVICE_INTERFACE_STATE, function 0x0000beef, RUN",
      "STOP_INTERFACE_RESPONSE",
      "CXL TSP",
      "HEARTBEAT_ACK",
      "KEY_UPDATE_ACK",
      "END_SESSION_ACK",
    ]) {
      assert.is(said.includes(step), true, `${step} is in the recording`);
    }
    assert.is(device.states()[0]!.state, "CONFIG_UNLOCKED");
  });
}

test("every answer DMTF's validator passed is given again", () => {
  const { answers } = replay(recorded("dmtf-validator.pcapng.gz"));
  assert.is(answers > 500, true);
});

function* wholeVisit(requester: SpdmRequester): Exchange<void> {
  const connected = yield* connectDevice(requester, STREAM);
  const { nonce } = yield* lockInterface(connected, TDI);
  yield* startInterface(connected, TDI, nonce);
  yield* updateKeys(requester, connected.session);
  yield* disconnectDevice(connected, [TDI]);
}

for (const version of ["1.2", "1.3"]) {
  test(`what DMTF's responder accepted at ${version} is said again, octet for octet`, () => {
    const packets = recorded(`dmtf-responder-${version}.pcapng`);
    const { time } = packets[0]!;
    const requester = new SpdmRequester({ prng: seeded("recorded"), clock: { now: () => time } });
    const visit = wholeVisit(requester);
    let step = visit.next();
    for (let i = 0; i < packets.length; i += 2) {
      if (step.done) throw new Error(`over at packet ${i}`);
      assert.is(hex(step.value), hex(packets[i]!.object), packets[i]!.comment);
      step = visit.next(packets[i + 1]!.object);
    }
    assert.is(step.done, true);
    assert.is(requester.version, version === "1.2" ? 0x12 : 0x13);
  });
}
