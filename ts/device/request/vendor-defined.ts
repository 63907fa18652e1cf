// VENDOR_DEFINED_REQUEST: IDE_KM, TDISP and whatever else a vendor carries over SPDM. DSP0274 10.23.
import * as Spdm from "../../abi/spdm.ts";
import { type Answer, INVALID, refuse } from "../../spdm/answer.ts";
import { type VendorDefined, vendorDefinedOf, vendorMessage } from "../../spdm/vendor-defined.ts";
import type { Session } from "../session.ts";
import { protocolKey, type SpdmResponder } from "../spdm.ts";

export function vendorDefined(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  const { version } = responder.connection;
  const asked: VendorDefined | undefined = vendorDefinedOf(request);
  if (!asked) return INVALID;
  const protocol = responder.protocols.get(protocolKey(asked.standard, asked.vendor));
  if (!protocol) return refuse(Spdm.UNSUPPORTED_REQUEST, Spdm.VENDOR_DEFINED_REQUEST);
  // What we carry is for sessions only: keys and interface locks.
  if (!session) {
    return refuse(version >= Spdm.VERSION_1_2 ? Spdm.SESSION_REQUIRED : Spdm.UNSPECIFIED);
  }
  const payload = protocol(asked.payload, session.id);
  if (!payload) return undefined;
  const { standard, vendor } = asked;
  const answer = { standard, vendor, payload };
  return { response: vendorMessage(version, Spdm.VENDOR_DEFINED_RESPONSE, answer) };
}
