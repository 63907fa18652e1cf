// GET_DIGESTS: the hash of every slot's chain. DSP0274 10.6.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, message } from "../../spdm/answer.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function getDigests(
  responder: SpdmResponder,
  padded: Uint8Array,
  session: Session | undefined,
): Answer {
  const { version, suite, transcript } = responder.connection;
  const mask = responder.slotMask();
  const request = padded.subarray(0, Spdm.SIZE);
  const digests = Array.from({ length: Spdm.MAX_SLOTS }, (_, slot) => responder.chain(slot))
    .filter((chain) => chain !== undefined)
    .map((chain) => suite.hash.digest(chain));
  // 1.3 names the slots that could be filled; ours are those that are.
  const supported = version >= Spdm.VERSION_1_3 ? mask : 0;
  const response = message(version, Spdm.DIGESTS, supported, mask, ...digests);
  const commit = () => (session ? transcript.clearB() : transcript.digests(request, response));
  return { response, commit };
}
