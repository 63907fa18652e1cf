import * as Spdm from "../../dist/abi/spdm.js";
import { faults } from "../../dist/device/fault.js";
import { PeerRefusal } from "../../dist/spdm/exchange.js";
import { lockInterface, startInterface } from "../../dist/tsm/connect.js";
import { openSession } from "../../dist/tsm/key-exchange.js";
import { measurements } from "../../dist/tsm/measure.js";
import { assert, suite } from "../kit.ts";
import { rig, TDI } from "./rig.ts";
import { TOY } from "./toy.ts";

const test = suite("a device told to misbehave");

function visit(fault: string): void {
  const made = rig({ ...TOY, faults: [fault] }, TOY);
  const connected = made.connect();
  for (let n = 0; n < 2; n++) {
    const { nonce } = made.run(lockInterface(connected, TDI));
    made.run(startInterface(connected, TDI, nonce));
    made.run(connected.tdisp.stop(TDI));
  }
}

// What our requester says of each fault.
// biome-ignore format: a table
const CAUGHT: Record<string, RegExp> = {
  "bad-signature":     /challenge_auth: the signature of slot 0 is wrong/,
  "wrong-measurement": /measurement summary is not that of the measurements told/,
  "stale-nonce":       /a nonce that was used before/,
  "dropped-message":   /no answer/,
  "reordered-message": /answered with|is not|expected/,
  "bad-record":        /does not open under the session's key/,
  "tdi-error":         /INVALID_INTERFACE_STATE/,
};

test("every fault is caught by name", () => {
  for (const fault of Object.keys(faults).filter((each) => !each.startsWith("error-"))) {
    assert.throws(() => visit(fault), CAUGHT[fault] ?? /no expectation written down/);
  }
});

test("a device without a fault passes the same visit", () => visit("error-busy"));

// biome-ignore format: a table
const ERRORS: Record<string, number> = {
  "invalid-request": 0x01, "unexpected-request": 0x04, "unspecified": 0x05, "decrypt-error": 0x06,
  "unsupported-request": 0x07, "request-in-flight": 0x08, "invalid-response-code": 0x09,
  "session-limit-exceeded": 0x0a, "session-required": 0x0b, "reset-required": 0x0c,
  "response-too-large": 0x0d, "request-too-large": 0x0e, "message-lost": 0x10, "invalid-policy": 0x11,
  "version-mismatch": 0x41, "request-resynch": 0x43, "operation-failed": 0x44,
  "no-pending-requests": 0x45, "vendor-defined": 0xff,
};

test("every ERROR code reaches the requester's caller by name", () => {
  for (const [name, code] of Object.entries(ERRORS)) {
    let seen: unknown;
    try {
      visit(`error-${name}`);
    } catch (error) {
      seen = error;
    }
    assert.instance(seen, PeerRefusal);
    assert.is((seen as PeerRefusal).code, code, name);
  }
  const waits = ["error-busy", "error-response-not-ready"];
  const told = Object.keys(faults).filter((each) => each.startsWith("error-"));
  assert.equal(
    told.sort(),
    [...Object.keys(ERRORS).map((each) => `error-${each}`), ...waits].sort(),
  );
});

test("BUSY is asked again, ResponseNotReady is waited for; the transcripts stay whole", () => {
  visit("error-busy");
  visit("error-response-not-ready");
});

test("RESPOND_IF_READY with another code or token is an InvalidRequest, without a request unexpected", () => {
  const made = rig({ ...TOY, faults: ["error-response-not-ready"] }, TOY);
  const { device, requester, run } = made;
  run(requester.connect());
  run(requester.certificate(0));
  const ask = (...octets: number[]) => [...device.spdm.clear(Uint8Array.from(octets))!];
  assert.equal(ask(0x13, 0xff, 0x83, 0).slice(1, 3), [0x7f, Spdm.UNEXPECTED_REQUEST]);
  const challenge = [0x13, 0x83, 0, 0, ...new Uint8Array(40)];
  const notReady = ask(...challenge);
  assert.equal(notReady.slice(1, 3), [0x7f, Spdm.RESPONSE_NOT_READY]);
  const token = notReady[6]!;
  assert.is(notReady[5], 0x83);
  assert.equal(ask(0x13, 0xff, 0x82, token).slice(1, 3), [0x7f, Spdm.INVALID_REQUEST]);
  assert.equal(ask(0x13, 0xff, 0x83, token ^ 1).slice(1, 3), [0x7f, Spdm.INVALID_REQUEST]);
  assert.is(ask(0x13, 0xff, 0x83, token)[1], 0x03);
});

test("a late or chunked answer changes the state once, as a prompt one does", () => {
  const made = rig({ ...TOY, faults: ["error-response-not-ready"] }, TOY);
  const { device, requester, run } = made;
  run(requester.connect());
  run(requester.certificate(0));
  // Late and unsigned: in L once. The signature over L tells.
  run(measurements(requester, { operation: 1, signed: false }));
  run(measurements(requester, { operation: 2, signed: false }));
  assert.is(run(measurements(requester)).blocks.length > 3, true);
  const { session } = run(openSession(requester));
  const [responders] = [...device.spdm.sessions.values()];
  const keys = [0xe9, 1, 9];
  const chunk = (seq: number, last: number, ...data: number[]) =>
    Uint8Array.of(0x13, 0x85, last, 0, seq, 0, 0, 0, data.length, 0, 0, 0, ...data);
  // KEY_UPDATE padded to a large message is refused for its size, and changes no key.
  const head = chunk(0, 0, 0x13, ...keys, ...new Array(40).fill(0));
  const first = new Uint8Array([...head.subarray(0, 12), 46, 0, 0, 0, ...head.subarray(12)]);
  assert.is(device.spdm.answer(first, responders)!.response[1], 0x05);
  const ack = device.spdm.answer(chunk(1, 1, 0, 0), responders)!.response;
  assert.equal([...ack.subarray(6)], [0x13, 0x7f, 0x01, 0]);
  assert.is(responders!.isUpdating, false);
  assert.is(session.isOpen, true);
});

test("the fifth session is refused with SessionLimitExceeded, and one that ended makes room", () => {
  const made = rig({ ...TOY, heartbeatPeriod: 60 }, TOY);
  const { requester, run, device } = made;
  run(requester.connect());
  run(requester.certificate(0));
  for (let n = 0; n < 4; n++) run(openSession(requester));
  assert.throws(() => run(openSession(requester)), /SESSION_LIMIT_EXCEEDED/);
  device.spdm.end([...device.spdm.sessions.values()][1]!);
  const { session } = run(openSession(requester));
  assert.is(session.id >>> 16, 0xfffe);
});

test("a response beyond what the requester takes is refused with its size", () => {
  const flags = { flags: 0x62f6 & ~0x3f };
  const made = rig(TOY, { ...TOY, ...flags, dataTransferSize: 240, maxMessageSize: 240 });
  made.run(made.requester.connect());
  made.run(made.requester.certificate(0));
  assert.throws(() => made.run(measurements(made.requester)), /RESPONSE_TOO_LARGE/);
  const { blocks } = made.run(measurements(made.requester, { operation: 1 }));
  assert.is(blocks.length, 1);
});

test("a requester that missed the ACK may still speak under the old key", () => {
  const made = rig(TOY, TOY);
  const { session } = made.connect();
  const { spdm } = made.device;
  const update = Uint8Array.of(0x13, 0xe9, 1, 9);
  assert.is(spdm.secured(session.seal(update)) !== undefined, true);
  // Our session did not follow: its next record is under the key before.
  const late = spdm.secured(session.seal(Uint8Array.of(0x13, 0xe8, 0, 0)))!;
  assert.is(late !== undefined, true);
  session.update("request");
  assert.is(spdm.secured(session.seal(Uint8Array.of(0x13, 0xe9, 3, 1))) !== undefined, true);
  assert.is(spdm.sessions.size, 1);
});

test("a FINISH with a wrong proof is answered with DecryptError and ends the session", () => {
  const made = rig(TOY, TOY);
  const { requester, run, transport, device } = made;
  run(requester.connect());
  run(requester.certificate(0));
  const opening = openSession(requester);
  const first = opening.next();
  opening.next(transport(first.value as Uint8Array));
  const [session] = [...device.spdm.sessions.values()];
  const finish = new Uint8Array(52);
  finish.set([0x13, 0xe5]);
  const short = device.spdm.answer(finish.subarray(0, 40), session)!;
  assert.equal([...short.response], [0x13, 0x7f, 0x01, 0]);
  const signed = finish.slice();
  signed[2] = 1;
  assert.equal([...device.spdm.answer(signed, session)!.response], [0x13, 0x7f, 0x01, 0]);
  const answer = device.spdm.answer(finish, session)!;
  assert.equal([...answer.response], [0x13, 0x7f, 0x06, 0]);
  answer.sealed!();
  assert.is(device.spdm.sessions.size, 0);
});
