// CHALLENGE: proof that the slot's key is here, over everything said so far. DSP0274 10.8.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, INVALID, message } from "../../spdm/answer.ts";
import { join, le16 } from "../../spdm/octets.ts";
import { summary } from "../measurements.ts";
import type { SpdmResponder } from "../spdm.ts";

export function challenge(responder: SpdmResponder, padded: Uint8Array): Answer {
  const { version, suite, transcript } = responder.connection;
  const contextual = version >= Spdm.VERSION_1_3;
  const nonceEnd = Spdm.SIZE + Spdm.NONCE_BYTES;
  const bytes = nonceEnd + (contextual ? Spdm.CONTEXT_BYTES : 0);
  if (padded.length < bytes) return INVALID;
  const request = padded.subarray(0, bytes);
  const slot = request[Spdm.PARAM1]!;
  const chain = responder.chain(slot);
  const summarized = summaryAsked(responder, request[Spdm.PARAM2]!);
  if (!chain || !summarized) return INVALID;
  const unsigned = message(
    version,
    Spdm.CHALLENGE_AUTH,
    slot,
    responder.slotMask(),
    suite.hash.digest(chain),
    responder.prng.bytes(Spdm.NONCE_BYTES),
    summarized,
    le16(0),
    request.subarray(nonceEnd),
  );
  const m1 = transcript.challenge(request, unsigned);
  const signature = responder.sign(suite, "responder-challenge_auth signing", m1, slot);
  return { response: join(unsigned, signature), commit: () => transcript.challenged() };
}

/** The summary hash a request asks for, empty for none; undefined when it may not ask. */
export function summaryAsked(responder: SpdmResponder, type: number): Uint8Array | undefined {
  const { hash, measurementHash } = responder.connection.suite;
  if (type === Spdm.SUMMARY_NONE) return new Uint8Array(0);
  if (type !== Spdm.SUMMARY_TCB && type !== Spdm.SUMMARY_ALL) return undefined;
  if (!measurementHash) return undefined;
  return summary(responder.measurements, hash, measurementHash, type);
}
