import { requests } from "../../dist/device/spdm-table.js";
import { eventTable, type TdiEvent } from "../../dist/device/tdi.js";
import { tdispTable } from "../../dist/device/tdisp.js";
import { hex, join } from "../../dist/spdm/octets.js";
import { tdispMessage } from "../../dist/spdm/tdisp-message.js";
import { openSession } from "../../dist/tsm/key-exchange.js";
import type { RequesterSession } from "../../dist/tsm/session.js";
import { assert, suite } from "../kit.ts";
import { type Rig, rig, STREAM, TDI } from "./rig.ts";
import { TOY } from "./toy.ts";

const test = suite("every message in every state");

// What the specification says, written down a second time: ok, or the ERROR code.
// U unexpected 04, S session required 0B (unspecified 05 before 1.2), V version mismatch 41, - unsupported 07.
const PLACES = [
  "not started",
  "after version",
  "after capabilities",
  "negotiated",
  "handshake",
  "established",
];
// biome-ignore format: a table
const SPDM: Record<number, string> = {
  132: "ok ok ok ok U  U ", // GET_VERSION
  225: "U  ok U  U  U  U ", // GET_CAPABILITIES
  227: "U  U  ok U  U  U ", // NEGOTIATE_ALGORITHMS
  129: "V  V  U  ok U  ok", // GET_DIGESTS
  130: "V  V  U  ok U  ok", // GET_CERTIFICATE
  131: "V  V  U  ok U  U ", // CHALLENGE
  224: "V  V  U  ok U  ok", // GET_MEASUREMENTS
  228: "V  V  U  ok U  U ", // KEY_EXCHANGE
  229: "V  V  U  S  ok U ", // FINISH
  232: "V  V  U  S  U  ok", // HEARTBEAT
  233: "V  V  U  S  U  ok", // KEY_UPDATE
  236: "V  V  U  S  U  ok", // END_SESSION
  254: "V  V  U  ok U  ok", // VENDOR_DEFINED_REQUEST
  133: "V  V  U  ok ok ok", // CHUNK_SEND
  134: "V  V  U  ok ok ok", // CHUNK_GET
  255: "V  V  U  ok ok ok", // RESPOND_IF_READY
};
const UNKNOWN = "V  V  -  -  -  - ";
const CODES: Record<string, number> = { U: 0x04, S: 0x0b, V: 0x41, "-": 0x07 };

interface Reached {
  rig: Rig;
  session: RequesterSession | undefined;
}

/** A responder in this place at this version. */
function reach(place: number, version: number): Reached {
  const made = rig({ ...TOY, heartbeatPeriod: 0 }, { ...TOY, versions: [version] });
  const { requester, run, transport } = made;
  if (place >= 3) run(requester.negotiate());
  if (place === 1 || place === 2) {
    const steps = requester.negotiate();
    let step = steps.next();
    for (let n = 0; n < place && !step.done; n++) step = steps.next(transport(step.value));
  }
  if (place < 4) return { rig: made, session: undefined };
  run(requester.certificate(0));
  if (place === 5) return { rig: made, session: run(openSession(requester)).session };
  // KEY_EXCHANGE alone: stopped before FINISH reaches the responder.
  const opening = openSession(requester);
  const step = opening.next();
  if (step.done) throw new Error("over before KEY_EXCHANGE");
  opening.next(transport(step.value));
  return { rig: made, session: undefined };
}

const stateOf = ({ rig: { device } }: Reached): string =>
  [
    device.spdm.connection.place,
    ...[...device.spdm.sessions.values()].map(
      ({ id, place, isUpdating }) => `${id} ${place} ${isUpdating}`,
    ),
    ...device.states().map(({ state }) => state),
  ].join("; ");

/** The responder's answer to four octets in the place's session or outside. */
function ask(reached: Reached, place: number, message: Uint8Array): Uint8Array {
  const { spdm } = reached.rig.device;
  const session = place >= 4 ? [...spdm.sessions.values()][0] : undefined;
  return spdm.answer(message, session)!.response;
}

const LATCHED = [0x10, 0x10];

for (const version of [0x11, 0x12, 0x13]) {
  for (const [place, name] of PLACES.entries()) {
    test(`SPDM 1.${version & 15}, ${name}: all 256 codes get their documented answer`, () => {
      let reached = reach(place, version);
      for (let code = 0; code < 256; code++) {
        const chunked = code === 0x85 || code === 0x86;
        const row = (chunked && version < 0x12 ? undefined : SPDM[code]) ?? UNKNOWN;
        const cell = row.slice(place * 3, place * 3 + 2).trim();
        const before = stateOf(reached);
        const spoken = code === 0x84 ? 0x10 : version;
        const answer = ask(reached, place, Uint8Array.of(spoken, code, 0, 0));
        const where = `0x${code.toString(16)} ${name} -> ${hex(answer.subarray(0, 8))}`;
        if (cell === "ok") {
          const error = answer[1] === 0x7f ? answer[2] : 0;
          // Four octets are too few for most: legal here means refused for its content, or not at all.
          const contentOnly =
            chunked || code === 0xff ? [0, 0x01, 0x04] : [0, 0x01, code === 0xe8 ? 0x04 : 0];
          assert.is(contentOnly.includes(error!), true, where);
          reached = reach(place, version);
          continue;
        }
        const documented = cell === "S" && version < 0x12 ? 0x05 : CODES[cell]!;
        assert.is(answer[1], 0x7f, where);
        assert.is(answer[2], documented, where);
        assert.is(answer[3], documented === 0x07 ? code : 0, where);
        assert.is(answer[0], code === 0x84 ? 0x10 : (LATCHED[place] ?? version), where);
        assert.is(answer.length, 4, where);
        assert.is(stateOf(reached), before, where);
      }
    });
  }
}

test("the responder's table has exactly the requests written down here", () => {
  assert.equal(Object.keys(requests).sort(), Object.keys(SPDM).sort());
});

test("a request of another version than the negotiated one is a VersionMismatch, in every place", () => {
  for (let place = 2; place < 6; place++) {
    const reached = reach(place, 0x12);
    for (const code of [0x81, 0x83, 0xe0, 0xe5, 0xfe, 0x00]) {
      for (const version of [0x10, 0x11, 0x13, 0xff]) {
        const answer = ask(reached, place, Uint8Array.of(version, code, 0, 0));
        assert.equal([...answer], [0x12, 0x7f, 0x41, 0]);
      }
    }
  }
});

// ok, or the TDISP error: N interface state 0004, - unsupported 0007.
const STATES = ["CONFIG_UNLOCKED", "CONFIG_LOCKED", "RUN", "ERROR"];
// biome-ignore format: a table
const TDISP: Record<number, { bytes: number; row: string }> = {
  129: { bytes: 0,  row: "ok ok ok ok" }, // GET_TDISP_VERSION
  130: { bytes: 4,  row: "ok ok ok ok" }, // GET_TDISP_CAPABILITIES
  131: { bytes: 20, row: "ok N  N  N " }, // LOCK_INTERFACE
  132: { bytes: 4,  row: "N  ok ok N " }, // GET_DEVICE_INTERFACE_REPORT
  133: { bytes: 0,  row: "ok ok ok ok" }, // GET_DEVICE_INTERFACE_STATE
  134: { bytes: 32, row: "N  ok N  N " }, // START_INTERFACE
  135: { bytes: 0,  row: "ok ok ok ok" }, // STOP_INTERFACE
  136: { bytes: 1,  row: "N  N  ok N " }, // BIND_P2P_STREAM
  137: { bytes: 1,  row: "N  N  ok N " }, // UNBIND_P2P_STREAM
  138: { bytes: 16, row: "N  N  ok N " }, // SET_MMIO_ATTRIBUTE
};

const connectedRig = rig(TOY, TOY);
const connected = connectedRig.connect();

/** The interface in this state, reached by messages and, for ERROR, an event. */
function tdiIn(state: number): Rig["device"] {
  const { device } = connectedRig;
  const { sessionId } = { sessionId: connected.session.id };
  const tell = (type: number, payload: Uint8Array): Uint8Array =>
    device.tdisp.receive(tdispMessage(type, TDI, payload), sessionId)!;
  tell(0x87, new Uint8Array(0));
  if (state === 0) return device;
  const locked = tell(0x83, new Uint8Array(20));
  if (state >= 2) tell(0x86, locked.subarray(16));
  if (state === 3) device.event("SECURITY_LOST");
  assert.is(device.tdisp.tdis.get(TDI)!.state, state);
  return device;
}

for (const [state, name] of STATES.entries()) {
  test(`TDISP, ${name}: all 256 messages get their documented answer`, () => {
    for (let type = 0; type < 256; type++) {
      const device = tdiIn(state);
      const known = TDISP[type];
      const cell = known ? known.row.slice(state * 3, state * 3 + 2).trim() : "-";
      const payload = new Uint8Array(known?.bytes ?? 0);
      const message = tdispMessage(type, TDI, payload);
      const answer = device.tdisp.receive(message, connected.session.id)!;
      const where = `0x${type.toString(16)} in ${name} -> ${hex(answer)}`;
      const error = answer[1] === 0x7f ? answer[16]! | (answer[17]! << 8) : 0;
      const after = device.tdisp.tdis.get(TDI)!.state;
      if (cell !== "ok") {
        assert.is(error, cell === "N" ? 0x0004 : 0x0007, where);
        assert.is(answer[20], cell === "-" ? type : 0, where);
        assert.is(after, state, where);
        continue;
      }
      // An empty report portion, a wrong nonce, an unbound stream: legal, refused for its content.
      const content = (
        { 132: 0x0001, 134: 0x0102, 136: 0x0001, 137: 0x0001, 138: 0x0001 } as Record<
          number,
          number
        >
      )[type];
      assert.is(error, content ?? 0, where);
      const next = type === 0x87 ? 0 : type === 0x83 ? 1 : state;
      assert.is(after, next, where);
      if (!known) continue;
      for (const bytes of [known.bytes + 1, Math.max(0, known.bytes - 1)]) {
        if (bytes === known.bytes) continue;
        tdiIn(state);
        const odd = device.tdisp.receive(tdispMessage(type, TDI, new Uint8Array(bytes)), 1)!;
        assert.is(odd[16], 0x01, `${where} with ${bytes} bytes`);
      }
    }
  });
}

test("the TDISP table has exactly the messages written down here", () => {
  assert.equal(Object.keys(tdispTable), Object.keys(TDISP));
});

test("every event leads where TDISP says, from every state", () => {
  const unlocking: TdiEvent[] = ["CONVENTIONAL_RESET"];
  for (const event of Object.keys(eventTable) as TdiEvent[]) {
    for (const state of [0, 1, 2, 3]) {
      const device = tdiIn(state);
      const tdi = device.tdisp.tdis.get(TDI)!;
      tdi.event(event);
      const expected = state === 0 || unlocking.includes(event) ? 0 : 3;
      assert.is(tdi.state, expected, `${event} in ${STATES[state]}`);
      assert.is(tdi.admitsTee, false);
      assert.is(tdi.nonce, undefined);
    }
  }
  tdiIn(0);
});

test("a wrong version or function is named before the state is", () => {
  const { device } = connectedRig;
  const message = tdispMessage(0x83, TDI, new Uint8Array(20));
  message[0] = 0x11;
  assert.is(device.tdisp.receive(message, 1)![16], 0x41);
  const foreign = device.tdisp.receive(tdispMessage(0x85, 0x1234, new Uint8Array(0)), 1)!;
  assert.equal([foreign[16], foreign[17]], [0x01, 0x01]);
});

// IDE_KM over each state of a stream: what KP_ACK says, and whether anything is answered.
type Ide = (
  object: number,
  lane?: number,
  change?: (m: Uint8Array) => Uint8Array,
) => Uint8Array | undefined;

function ideRig(): { ide: Ide; secure: () => boolean; device: Rig["device"] } {
  const { device } = rig(TOY, TOY);
  const ide: Ide = (object, lane = 0, change = (m) => m) => {
    const m = new Uint8Array(object === 2 ? 47 : object === 0 ? 3 : 7);
    m[0] = object;
    if (object !== 0) m.set([0, lane, 1], 4);
    else m[2] = 1;
    if (object === 2) m.set([1], 43);
    return device.ide.receive(change(m), 7);
  };
  return { ide, secure: () => device.functions[1]!.streams[0]!.isSecure, device };
}

const LANES = [0x00, 0x10, 0x20, 0x02, 0x12, 0x22];
// biome-ignore format: a table
const IDE: [state: string, reach: (ide: Ide) => void, again: number, secure: boolean][] = [
  ["no key",           () => {},                                                             0, false],
  ["keys programmed",  (ide) => LANES.forEach((lane) => { ide(2, lane); }),                  0, false],
  ["five lanes going", (ide) => LANES.slice(0, 5).forEach((lane) => { ide(2, lane); ide(4, lane); }), 4, false],
  ["secure",           (ide) => LANES.forEach((lane) => { ide(2, lane); ide(4, lane); }),    4, true],
  ["stopped",          (ide) => LANES.forEach((lane) => { ide(2, lane); ide(4, lane); ide(5, lane); }), 0, false],
];

for (const [name, reachIt, again, isSecure] of IDE) {
  test(`IDE_KM, ${name}: all 256 objects get their documented answer`, () => {
    for (let object = 0; object < 256; object++) {
      const { ide, secure } = ideRig();
      reachIt(ide);
      assert.is(secure(), isSecure);
      const answer = ide(object, 0);
      const expected = ({ 0: 1, 2: 3, 4: 6, 5: 6 } as Record<number, number>)[object];
      assert.is(answer?.[0], expected, `object ${object} over ${name}`);
      // Programming a key set in use is refused: a refresh programs the other one.
      if (object === 2) assert.is(answer?.[4], again);
      const broken = object === 5 && isSecure;
      assert.is(secure(), isSecure && !broken);
    }
  });
}

test("KP_ACK names what was wrong with KEY_PROG", () => {
  const wrong: [status: number, change: (m: Uint8Array) => Uint8Array][] = [
    [1, (m) => m.subarray(0, 43)],
    [1, (m) => join(m, new Uint8Array(4))],
    [2, (m) => m.fill(9, 6, 7)],
    [3, (m) => m.fill(0x30, 5, 6)],
    [3, (m) => m.fill(0x04, 5, 6)],
    [3, (m) => m.fill(0xf0, 5, 6)],
    [3, (m) => m.fill(2, 43, 44)],
    [3, (m) => m.fill(1, 39, 40)],
    [3, (m) => m.fill(77, 3, 4)],
    [0, (m) => m],
  ];
  for (const [status, change] of wrong) {
    const { ide } = ideRig();
    assert.is(ide(2, 0, change)?.[4], status);
  }
});

test("keys are refreshed by the other set, and the stream stays secure", () => {
  const { ide, secure } = ideRig();
  for (const lane of LANES) ide(2, lane) && ide(4, lane);
  for (const lane of LANES) {
    ide(2, lane | 1);
    assert.is(secure(), true);
    ide(4, lane | 1);
    assert.is(secure(), true);
  }
  // The first set is void now; stopping it changes nothing.
  ide(5, 0);
  assert.is(secure(), true);
  ide(5, 1);
  assert.is(secure(), false);
});

test("a second session's IDE_KM is discarded while the first one owns it", () => {
  const { ide, device } = ideRig();
  assert.is(ide(2, 0)?.[4], 0);
  const query = Uint8Array.of(0, 0, 1);
  assert.is(device.ide.receive(query, 8), undefined);
  device.ide.sessionEnded(7);
  assert.is(device.ide.receive(query, 8)?.[0], 1);
  assert.is(device.functions[1]!.streams[0]!.hasKeys, false);
  assert.is(STREAM.portIndex, 1);
});
