// A VENDOR_DEFINED message taken apart and put together. DSP0274 10.23.

import * as Spdm from "../abi/spdm.ts";
import * as Layout from "../abi/spdm-vendor-defined.ts";
import { message } from "./answer.ts";
import { le16, u16 } from "./octets.ts";

export interface VendorDefined {
  standard: number;
  vendor: number;
  payload: Uint8Array;
}

// Vendor id length by standard id, where DSP0274 table 60 fixes it: DMTF, TCG, USB-IF, PCI-SIG, IANA and so on.
const ID_BYTES = [0, 2, 2, 2, 4, 4, 2, 2, 2, 2, 4];
const VENDOR_ID = Layout.SIZE;

/** Undefined when the lengths do not add up. */
export function vendorDefinedOf(octets: Uint8Array): VendorDefined | undefined {
  if (octets.length < VENDOR_ID + 2) return undefined;
  const standard = u16(octets, Layout.STANDARD_ID);
  const idBytes = octets[Layout.VENDOR_ID_LENGTH]!;
  if (ID_BYTES[standard] !== idBytes) return undefined;
  const lengthAt = VENDOR_ID + idBytes;
  if (octets.length < lengthAt + 2) return undefined;
  const start = lengthAt + 2;
  const end = start + u16(octets, lengthAt);
  if (end > octets.length) return undefined;
  const vendor = idBytes >= 2 ? u16(octets, VENDOR_ID) : 0;
  return { standard, vendor, payload: octets.subarray(start, end) };
}

/** A request or response for a vendor whose id has two bytes. */
export function vendorMessage(
  version: number,
  code: number,
  { standard, vendor, payload }: VendorDefined,
): Uint8Array {
  return message(
    version,
    code,
    0,
    0,
    le16(standard),
    Uint8Array.of(ID_BYTES[standard] ?? 2),
    le16(vendor),
    le16(payload.length),
    payload,
  );
}

/** True of a message that could carry IDE_KM or TDISP. */
export const isVendorDefined = (octets: Uint8Array): boolean =>
  octets[Spdm.CODE] === Spdm.VENDOR_DEFINED_REQUEST ||
  octets[Spdm.CODE] === Spdm.VENDOR_DEFINED_RESPONSE;
