// MEASUREMENT of the field guide's dialect: an HMAC of the launch digest. DESIGN.md, section 5.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** HMAC-SHA256 under the guest's VMPCK3, zeros behind it up to the 48 bytes of the field. */
export function guideMeasurement(vmpck3: Uint8Array, digest: Uint8Array): Uint8Array {
  const field = new Uint8Array(48);
  field.set(hmac(sha256, vmpck3, digest));
  return field;
}
