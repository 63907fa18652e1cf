// KEY_UPDATE: the next key of one direction or of both, confirmed by a message under it. DSP0274 10.17.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, INVALID, message } from "../../spdm/answer.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function keyUpdate(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  if (!session || request.length !== Spdm.SIZE) return INVALID;
  const operation = request[Spdm.PARAM1]!;
  const commit = {
    [Spdm.UPDATE_KEY]: () => session.updateRequestKey(),
    [Spdm.UPDATE_ALL_KEYS]: () => {
      session.updateRequestKey();
      // The ACK already travels under the new response key.
      session.updateResponseKey();
    },
    [Spdm.VERIFY_NEW_KEY]: () => session.confirmUpdate(),
  }[operation];
  if (!commit) return INVALID;
  if (session.isUpdating !== (operation === Spdm.VERIFY_NEW_KEY)) return INVALID;
  const { version } = responder.connection;
  const tag = request[Spdm.PARAM2]!;
  return { response: message(version, Spdm.KEY_UPDATE_ACK, operation, tag), commit };
}
