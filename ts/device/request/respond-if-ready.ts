// RESPOND_IF_READY: the late answer to a request that got ResponseNotReady. DSP0274 10.22.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, INVALID, UNEXPECTED } from "../../spdm/answer.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function respondIfReady(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  const { deferred } = responder;
  if (!deferred || deferred.sessionId !== session?.id) return UNEXPECTED;
  if (request[Spdm.PARAM1] !== deferred.request[Spdm.CODE]) return INVALID;
  if (request[Spdm.PARAM2] !== deferred.token) return INVALID;
  responder.deferred = undefined;
  return responder.answer(deferred.request, session);
}
