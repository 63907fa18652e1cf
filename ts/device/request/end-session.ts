// END_SESSION: its keys are erased once the answer is sealed. DSP0274 10.18.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, INVALID, message } from "../../spdm/answer.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function endSession(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  if (!session || request.length !== Spdm.SIZE) return INVALID;
  return {
    response: message(responder.connection.version, Spdm.END_SESSION_ACK, 0, 0),
    sealed: () => responder.end(session),
  };
}
