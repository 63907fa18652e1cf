// HEARTBEAT: the session is still wanted. DSP0274 10.16.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, INVALID, message, UNEXPECTED } from "../../spdm/answer.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function heartbeat(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  if (!session?.heartbeatPeriod) return UNEXPECTED;
  if (request.length !== Spdm.SIZE) return INVALID;
  return { response: message(responder.connection.version, Spdm.HEARTBEAT_ACK, 0, 0) };
}
