// KEY_EXCHANGE: an ephemeral secret, signed by the slot's key; a session in handshake begins. DSP0274 10.13.

import * as Spdm from "../../abi/spdm.ts";
import * as Exchange from "../../abi/spdm-key-exchange.ts";
import { type Answer, INVALID, message, refuse } from "../../spdm/answer.ts";
import { join, le16, u16 } from "../../spdm/octets.ts";
import { selectVersion, versionSelection } from "../../spdm/opaque.ts";
import { SessionTranscript } from "../../spdm/transcript.ts";
import { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";
import { summaryAsked } from "./challenge.ts";

const RANDOM_BYTES = 32;
const NO_OPAQUE = new Uint8Array(0);

interface Asked {
  request: Uint8Array;
  share: Uint8Array;
  /** Ours, in answer to theirs. */
  opaque: Uint8Array;
}

/** The request cut to its true length with what its fields ask for; undefined when malformed. */
function askedOf(responder: SpdmResponder, padded: Uint8Array): Asked | undefined {
  const { suite, version } = responder.connection;
  const shareEnd = Exchange.SIZE + 2 * suite.dhe!.bytes;
  if (version >= Spdm.VERSION_1_2 && !suite.opaqueFmt1) return undefined;
  if (padded.length < shareEnd + 2) return undefined;
  const opaqueBytes = u16(padded, shareEnd);
  const end = shareEnd + 2 + opaqueBytes;
  if (padded.length < end) return undefined;
  const request = padded.subarray(0, end);
  const share = request.subarray(Exchange.SIZE, shareEnd);
  if (opaqueBytes === 0) return { request, share, opaque: NO_OPAQUE };
  const chosen = selectVersion(suite, request.subarray(shareEnd + 2));
  if (chosen === undefined) return undefined;
  return { request, share, opaque: versionSelection(suite, chosen) };
}

export function keyExchange(responder: SpdmResponder, padded: Uint8Array): Answer {
  const { suite, transcript, version } = responder.connection;
  const asked = askedOf(responder, padded);
  if (!asked) return INVALID;
  const slot = padded[Spdm.PARAM2]!;
  const chain = responder.chain(slot);
  const summarized = summaryAsked(responder, padded[Spdm.PARAM1]!);
  if (!chain || !summarized) return INVALID;
  const id = responder.freeSessionId(u16(padded, Exchange.SESSION_ID));
  if (id === undefined) return refuse(Spdm.SESSION_LIMIT_EXCEEDED);
  const secret = suite.dhe!.secretKey(responder.prng);
  const dheSecret = suite.dhe!.agree(secret, asked.share);
  if (!dheSecret) return INVALID;
  const heartbeatPeriod = heartbeatOf(responder);
  const unsigned = message(
    version,
    Spdm.KEY_EXCHANGE_RSP,
    heartbeatPeriod,
    0,
    le16(id >>> 16),
    // No mutual authentication, hence no slot of the requester either.
    Uint8Array.of(0, 0),
    responder.prng.bytes(RANDOM_BYTES),
    suite.dhe!.publicKey(secret),
    summarized,
    le16(asked.opaque.length),
    asked.opaque,
  );
  const th = new SessionTranscript(suite, transcript.a, suite.hash.digest(chain));
  th.append(asked.request, unsigned);
  const purpose = "responder-key_exchange_rsp signing";
  const signature = responder.sign(suite, purpose, th.digest(), slot);
  th.append(signature);
  const { a } = transcript;
  const now = responder.clock.now();
  const session = new Session({ id, suite, a, th, dheSecret, heartbeatPeriod, now });
  const proof = session.verifyData("response");
  th.append(proof);
  return {
    response: join(unsigned, signature, proof),
    commit: () => responder.sessions.set(id, session),
  };
}

function heartbeatOf(responder: SpdmResponder): number {
  const both = responder.flags & responder.connection.peer.flags;
  return both & (1 << Spdm.HBEAT_CAP_BIT) ? responder.heartbeatPeriod : 0;
}
