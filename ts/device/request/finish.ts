// FINISH: the requester proves that it holds the same keys; the session is established. DSP0274 10.14.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, errorMessage, INVALID, message, refuse } from "../../spdm/answer.ts";
import { equal } from "../../spdm/octets.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

const SIGNATURE_INCLUDED = 1;

export function finish(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  const { version, suite } = responder.connection;
  if (!session) return refuse(Spdm.SESSION_REQUIRED);
  // A malformed FINISH is refused and may be repeated: nothing was proven or disproven.
  if (request[Spdm.PARAM1]! & SIGNATURE_INCLUDED) return INVALID;
  if (request.length !== Spdm.SIZE + suite.hash.bytes) return INVALID;
  session.th.append(request.subarray(0, Spdm.SIZE));
  if (!equal(session.verifyData("request"), request.subarray(Spdm.SIZE))) {
    const response = errorMessage(version, refuse(Spdm.DECRYPT_ERROR));
    return { response, sealed: () => responder.end(session) };
  }
  const response = message(version, Spdm.FINISH_RSP, 0, 0);
  session.th.append(request.subarray(Spdm.SIZE), response);
  return { response, sealed: () => session.establish() };
}
