// The field guide's keys: from a 48-byte platform secret down to each VM. DESIGN.md, section 5.
import { expand, hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const KEY = 32;
const VM_KEY = 16;

/** VMPCK0 encryption and attestation, 1 migration, 2 state save and restore, 3 firmware measurement. They stay in the firmware. */
export const platformVmpck = (platformSecret: Uint8Array): Uint8Array[] =>
  [0, 1, 2, 3].map((n) => hkdf(sha256, platformSecret, undefined, utf8ToBytes(`VMPCK${n}`), KEY));

function le32(guestId: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, guestId, true);
  return bytes;
}

/** What a guest receives in their place. */
export const guestVmpck = (platformKeys: readonly Uint8Array[], guestId: number): Uint8Array[] =>
  platformKeys.map((key) => expand(sha256, key, le32(guestId), KEY));

/** HKDF-Expand(SHA-256, VMPCK0, "SEV-SNP VM Key" || guest_id || launch_nonce, 16). The nonce has 16 bytes. */
export const vmKey = (vmpck0: Uint8Array, guestId: number, nonce: Uint8Array): Uint8Array =>
  expand(sha256, vmpck0, concatBytes(utf8ToBytes("SEV-SNP VM Key"), le32(guestId), nonce), VM_KEY);
