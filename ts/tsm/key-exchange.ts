// A session from KEY_EXCHANGE to END_SESSION, as the requester drives it. DSP0274 10.13 to 10.18.

import * as Spdm from "../abi/spdm.ts";
import * as Exchanged from "../abi/spdm-key-exchange.ts";
import { message } from "../spdm/answer.ts";
import { type Exchange, PeerFault } from "../spdm/exchange.ts";
import { equal, hexWord, join, le16, u16 } from "../spdm/octets.ts";
import { selectedVersion, supportedVersions } from "../spdm/opaque.ts";
import { SessionTranscript } from "../spdm/transcript.ts";
import { vendorDefinedOf, vendorMessage } from "../spdm/vendor-defined.ts";
import { RequesterSession } from "./session.ts";
import type { SpdmRequester } from "./spdm.ts";

const RANDOM_BYTES = 32;
const REQUESTER_SESSION_ID = 0xffff;

/** KEY_EXCHANGE and FINISH. Answers the session and the measurement summary asked for. */
export function* openSession(
  requester: SpdmRequester,
  slot = 0,
  summary: number = Spdm.SUMMARY_NONE,
): Exchange<{ session: RequesterSession; summary: Uint8Array }> {
  const { suite, version } = requester;
  const { dhe } = suite;
  if (!dhe || !suite.aead || !suite.signer) {
    throw new PeerFault("ALGORITHMS: no DHE group or AEAD agreed, no session");
  }
  const secret = dhe.secretKey(requester.prng);
  const opaque = supportedVersions(suite);
  const request = message(
    version,
    Spdm.KEY_EXCHANGE,
    summary,
    slot,
    le16(REQUESTER_SESSION_ID),
    Uint8Array.of(0, 0),
    requester.prng.bytes(RANDOM_BYTES),
    dhe.publicKey(secret),
    le16(opaque.length),
    opaque,
  );
  const answer = yield* requester.ask(request);
  const opened = believe(requester, { slot, summary, secret, request, answer });
  yield* finish(requester, opened.session);
  return opened;
}

interface Answered {
  slot: number;
  summary: number;
  secret: Uint8Array;
  request: Uint8Array;
  answer: Uint8Array;
}

/** The session a KEY_EXCHANGE_RSP opens, once its signature and its proof hold. */
function believe(
  requester: SpdmRequester,
  { slot, summary, secret, request, answer }: Answered,
): { session: RequesterSession; summary: Uint8Array } {
  const { suite, transcript } = requester;
  const { hash } = suite;
  const dhe = suite.dhe!;
  const signatureBytes = 2 * suite.signer!.bytes;
  const shareEnd = Exchanged.SIZE + 2 * dhe.bytes;
  const opaqueAt = shareEnd + (summary === Spdm.SUMMARY_NONE ? 0 : hash.bytes);
  const tail = signatureBytes + hash.bytes;
  const end = requester.tail(answer, opaqueAt, new Uint8Array(0), tail, "KEY_EXCHANGE_RSP");
  const response = answer.subarray(0, end);
  const signatureAt = end - tail;
  check(requester, response, opaqueAt, signatureAt);
  const dheSecret = dhe.agree(secret, response.subarray(Exchanged.SIZE, shareEnd));
  if (!dheSecret) throw new PeerFault("KEY_EXCHANGE_RSP: its share is not a point of the curve");
  const chainHash = hash.digest(requester.chain(slot).octets);
  const th = new SessionTranscript(suite, transcript.a, chainHash);
  th.append(request, response.subarray(0, signatureAt));
  const signature = response.subarray(signatureAt, signatureAt + signatureBytes);
  requester.verify("responder-key_exchange_rsp signing", th.digest(), signature, slot);
  th.append(signature);
  const id = (REQUESTER_SESSION_ID | (u16(response, Exchanged.SESSION_ID) << 16)) >>> 0;
  const heartbeatPeriod = response[Spdm.PARAM1]!;
  const { a } = transcript;
  const session = new RequesterSession({ id, suite, a, th, dheSecret, heartbeatPeriod });
  const proof = response.subarray(end - hash.bytes);
  if (!equal(proof, session.verifyData("response"))) {
    throw new PeerFault("KEY_EXCHANGE_RSP: ResponderVerifyData is wrong");
  }
  th.append(proof);
  return { session, summary: response.slice(shareEnd, opaqueAt) };
}

function check(
  { suite }: SpdmRequester,
  response: Uint8Array,
  opaqueAt: number,
  signatureAt: number,
): void {
  const asked = response[Exchanged.MUT_AUTH_REQUESTED]!;
  if (asked !== 0) {
    throw new PeerFault(`KEY_EXCHANGE_RSP: MutAuthRequested ${hexWord(asked)}, expected 0`);
  }
  if (u16(response, Exchanged.SESSION_ID) === 0) {
    throw new PeerFault("KEY_EXCHANGE_RSP: RspSessionID 0");
  }
  if (selectedVersion(suite, response.subarray(opaqueAt + 2, signatureAt)) === undefined) {
    throw new PeerFault("KEY_EXCHANGE_RSP: selects no secured-message version of ours");
  }
}

function* finish(requester: SpdmRequester, session: RequesterSession): Exchange<void> {
  const head = message(requester.version, Spdm.FINISH, 0, 0);
  const proof = session.th.append(head) && session.verifyData("request");
  session.th.append(proof);
  const response = yield* requester.ask(join(head, proof), session);
  session.th.append(response.subarray(0, Spdm.SIZE));
  session.establish();
}

export function* heartbeat(requester: SpdmRequester, session: RequesterSession): Exchange<void> {
  yield* requester.ask(message(requester.version, Spdm.HEARTBEAT, 0, 0), session);
}

/** New keys for requests, or for both directions, confirmed. */
export function* updateKeys(
  requester: SpdmRequester,
  session: RequesterSession,
  all = false,
): Exchange<void> {
  const operation = all ? Spdm.UPDATE_ALL_KEYS : Spdm.UPDATE_KEY;
  const [tag, next] = requester.prng.bytes(2) as unknown as [number, number];
  const { version } = requester;
  // The ACK of UPDATE_ALL_KEYS already travels under the new response key.
  const steps = [
    { request: message(version, Spdm.KEY_UPDATE, operation, tag), verify: false },
    { request: message(version, Spdm.KEY_UPDATE, Spdm.VERIFY_NEW_KEY, next), verify: true },
  ];
  for (const { request, verify } of steps) {
    const asking = requester.ask(request, session);
    let step = asking.next();
    if (!verify && all && !step.done) session.update("response");
    while (!step.done) step = asking.next(yield step.value);
    if (!verify) session.update("request");
    const same = step.value[Spdm.PARAM1] === request[Spdm.PARAM1];
    if (!same || step.value[Spdm.PARAM2] !== request[Spdm.PARAM2]) {
      throw new PeerFault("KEY_UPDATE_ACK: operation or tag is not the request's");
    }
  }
}

export function* endSession(requester: SpdmRequester, session: RequesterSession): Exchange<void> {
  yield* requester.ask(message(requester.version, Spdm.END_SESSION, 0, 0), session);
  session.close();
}

/** One vendor-defined payload there and one back. */
export function* vendorDefined(
  requester: SpdmRequester,
  session: RequesterSession,
  standard: number,
  vendor: number,
  payload: Uint8Array,
): Exchange<Uint8Array> {
  const asked = { standard, vendor, payload };
  const request = vendorMessage(requester.version, Spdm.VENDOR_DEFINED_REQUEST, asked);
  const told = vendorDefinedOf(yield* requester.ask(request, session));
  if (told?.standard !== standard || told.vendor !== vendor) {
    throw new PeerFault("VENDOR_DEFINED_RESPONSE: of another vendor, or its lengths do not add up");
  }
  return told.payload;
}
