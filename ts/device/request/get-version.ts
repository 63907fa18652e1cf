// GET_VERSION: forgets everything and names the versions spoken here. DSP0274 10.3.
import * as Spdm from "../../abi/spdm.ts";
import * as Version from "../../abi/spdm-version.ts";
import { type Answer, message } from "../../spdm/answer.ts";
import { join, le16 } from "../../spdm/octets.ts";
import type { SpdmResponder } from "../spdm.ts";

export function getVersion(responder: SpdmResponder, request: Uint8Array): Answer {
  const entries = responder.versions.map((version) => le16(version << Version.ENTRY_MINOR_LSB));
  const response = message(
    Spdm.VERSION_1_0,
    Spdm.VERSION_RSP,
    0,
    0,
    Uint8Array.of(0, entries.length),
    join(...entries),
  );
  return {
    response,
    commit() {
      responder.reset();
      responder.connection.appendA(request.subarray(0, Spdm.SIZE), response);
      responder.connection.place = "AFTER_VERSION";
    },
  };
}
