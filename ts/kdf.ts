// SP 800-108 in counter mode with HMAC-SHA-256, its numbers little-endian, as AMD's firmware does. Spec digest attestation.md, 6.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const le32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
};

/** `bytes` bytes that follow from the key, the label and the context. */
export function kdf(
  key: Uint8Array,
  label: string,
  bytes: number,
  context: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const fixed = concatBytes(utf8ToBytes(label), Uint8Array.of(0), context, le32(8 * bytes));
  const out = new Uint8Array(bytes);
  for (let i = 0; i * 32 < bytes; i++) {
    const block = hmac(sha256, key, concatBytes(le32(i + 1), fixed));
    out.set(block.subarray(0, Math.min(32, bytes - 32 * i)), 32 * i);
  }
  return out;
}
