// Seeded mutations of everything a device can be sent. Run whole by `npm run fuzz`, in a smaller share by the tests.
import { dataObject, dataObjectOf } from "../../dist/spdm/data-object.js";
import { hex, join } from "../../dist/spdm/octets.js";
import { tdispMessage } from "../../dist/spdm/tdisp-message.js";
import { vendorMessage } from "../../dist/spdm/vendor-defined.js";
import { type Connected, lockInterface, startInterface } from "../../dist/tsm/connect.js";
import { type Rig, rig, TDI } from "./rig.ts";
import { TOY } from "./toy.ts";

/** xorshift32: the same seed gives the same mutations. */
export function dice(seed: number): (sides: number) => number {
  let state = seed | 1;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

type Dice = (sides: number) => number;

const WORDS = [0, 1, 2, 3, 4, 7, 8, 0x10, 0x12, 0x13, 0x7f, 0x80, 0x81, 0xfe, 0xff];

/** One to four changes: an octet, a bit, a cut, a repeat, an insertion. */
function mutate(octets: Uint8Array, roll: Dice): Uint8Array {
  let result: Uint8Array = octets.slice();
  for (let n = 1 + roll(4); n > 0; n--) {
    const at = result.length === 0 ? 0 : roll(result.length);
    const kind = roll(6);
    if (kind === 0 && result.length > 0) result[at] = WORDS[roll(WORDS.length)]!;
    else if (kind === 1 && result.length > 0) result[at]! ^= 1 << roll(8);
    else if (kind === 2) result = result.slice(0, at);
    else if (kind === 3) result = join(result, result.subarray(at));
    else if (kind === 4)
      result = join(result.subarray(0, at), Uint8Array.of(roll(256)), result.subarray(at));
    else if (result.length > 0) result[at] = roll(256);
    if (result.length > 0x3000) result = result.slice(0, 0x3000);
  }
  return result;
}

interface Victim {
  made: Rig;
  connected: Connected;
  /** Requests that were legal once, in the clear: of no session, and of one. */
  clear: Uint8Array[];
  inside: Uint8Array[];
  secrets: string[];
}

/** Hexadecimal beginnings of what must never be seen: 16 octets are no coincidence. */
function secretsOf({ device }: Rig, connected: Connected): string[] {
  const kept = device.spdm.slots.flatMap((slot) => [slot.p384!.secret, slot.p256!.secret]);
  return [...kept, ...connected.keys.values()].map((each) => hex(each.subarray(0, 16)));
}

function victim(seed: number, roll: Dice): Victim {
  const clear: Uint8Array[] = [];
  const inside: Uint8Array[] = [];
  const tap = (side: string, message: Uint8Array, sessionId?: number) => {
    if (side === "request") (sessionId === undefined ? clear : inside).push(message.slice());
  };
  const version = [0x11, 0x12, 0x13][roll(3)]!;
  const size = roll(2) ? {} : { dataTransferSize: 96, maxMessageSize: 0x4000 };
  const made = rig(
    { ...TOY, ...size },
    { ...TOY, ...size, versions: [version], tap },
    `fuzz ${seed}`,
  );
  const connected = made.connect();
  const { nonce } = made.run(lockInterface(connected, TDI));
  if (roll(2)) made.run(startInterface(connected, TDI, nonce));
  return { made, connected, clear, inside, secrets: secretsOf(made, connected) };
}

/** What was sent, in hexadecimal, and why it failed. */
export class FuzzFailure extends Error {}

/** State codes a TDI may move to by a message that was not a proper one: none, or ERROR, or opened by STOP. */
function mayMove(before: number, after: number, sealed: boolean): boolean {
  if (before === after || after === 3) return true;
  // Sealed under the session's own keys a mutation can still be a proper message.
  return sealed && (after === 0 || (before === 0 && after === 1) || (before === 1 && after === 2));
}

/** Sends `count` mutated messages. Answers how many of each kind were answered. */
export function fuzz(count: number, seed: number): Record<string, number> {
  const roll = dice(seed);
  const answered: Record<string, number> = {};
  let target = victim(seed, roll);
  for (let n = 0; n < count; n++) {
    const alive = target.made.device.spdm.sessions.size > 0 && target.connected.session.isOpen;
    if (!alive || n % 500 === 499) target = victim(seed + n, roll);
    // A record that does not open ends its session: it comes rarely, for setting up the next one is dear.
    const [kind, send] = roll(64) === 0 ? broken : kinds[roll(kinds.length)]!;
    const { device } = target.made;
    const before = device.tdisp.tdis.get(TDI)!.state;
    let sent: Uint8Array = new Uint8Array(0);
    let answer: Uint8Array | undefined;
    try {
      sent = send(target, roll);
      answer = kind === "tdisp" ? device.tdisp.receive(sent, 1) : device.exchange(sent);
    } catch (error) {
      throw new FuzzFailure(
        `seed ${seed}, message ${n}, ${kind} ${hex(sent)}: ${(error as Error).stack}`,
      );
    }
    const fail = (why: string) => {
      throw new FuzzFailure(`seed ${seed}, message ${n}, ${kind} ${hex(sent)}: ${why}`);
    };
    const after = device.tdisp.tdis.get(TDI)!.state;
    const isOwn = kind === "sealed" || kind === "tdisp";
    if (!mayMove(before, after, isOwn)) fail(`state ${before} became ${after}`);
    if (!answer) continue;
    answered[kind] = (answered[kind] ?? 0) + 1;
    if (kind !== "tdisp" && dataObjectOf(answer)?.type !== sent[2])
      fail("the answer is no object of its type");
    const text = hex(answer);
    for (const secret of target.secrets) if (text.includes(secret)) fail(`secret ${secret} leaves`);
  }
  return answered;
}

type Kind = [name: string, send: (target: Victim, roll: Dice) => Uint8Array];

const pick = (list: Uint8Array[], roll: Dice): Uint8Array => list[roll(list.length)]!;

const broken: Kind = [
  // A record's octets changed: nothing of it may be believed.
  "record",
  ({ connected, inside }, roll) => {
    const record = connected.session.seal(pick(inside, roll));
    const at = roll(8) === 0 ? roll(record.length) : 6 + roll(record.length - 6);
    record[at]! ^= 1 << roll(8);
    return dataObject(2, record);
  },
];

const kinds: Kind[] = [
  ["object", ({ clear }, roll) => mutate(dataObject(roll(4), pick(clear, roll)), roll)],
  ["clear", ({ clear }, roll) => dataObject(1, mutate(withoutVersion(clear, roll), roll))],
  [
    "sealed",
    ({ connected, inside }, roll) =>
      dataObject(2, connected.session.seal(mutate(pick(inside, roll), roll))),
  ],
  [
    "sealed",
    ({ connected, made }, roll) => {
      const tdisp = mutate(tdispMessage(0x81 + roll(11), TDI, new Uint8Array(roll(40))), roll);
      const payload = join(Uint8Array.of(roll(3)), tdisp);
      const { version } = made.requester;
      const message = vendorMessage(version, 0xfe, {
        standard: 3,
        vendor: roll(8) ? 1 : 0x1e98,
        payload,
      });
      return dataObject(2, connected.session.seal(message));
    },
  ],
  [
    "tdisp",
    (_, roll) => mutate(tdispMessage(0x81 + roll(11), TDI, new Uint8Array(roll(40))), roll),
  ],
];

/** GET_VERSION ends every session: it comes rarely, or nothing else would be reached. */
function withoutVersion(clear: Uint8Array[], roll: Dice): Uint8Array {
  const chosen = pick(clear, roll);
  return chosen[1] === 0x84 && roll(20) ? pick(clear.slice(1), roll) : chosen;
}

if (process.argv[1]?.endsWith("fuzz.ts")) {
  const count = Number(process.argv[2] ?? 300_000);
  const seed = Number(process.argv[3] ?? 1);
  const answered = fuzz(count, seed);
  console.log(`${count} mutated messages from seed ${seed}, answered: ${JSON.stringify(answered)}`);
}
