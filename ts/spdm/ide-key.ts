// The order of an IDE key's octets on the wire, and its iv. PCIe 6.33.3; RC-IDE programming guide 1.02.
import { IV_BYTES } from "./crypto.ts";

const KEY_BYTES = 32;

/** Each DW of the key travels last octet first; the change is its own inverse. */
export function swapKey(key: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(KEY_BYTES);
  for (let i = 0; i < KEY_BYTES; i++) swapped[i] = key[(i & ~3) | (3 - (i & 3))]!;
  return swapped;
}

/** Sub-stream in the top four bits, then the invocation value, big endian. */
export function iv(subStream: number, invocation: bigint): Uint8Array {
  const octets = new Uint8Array(IV_BYTES);
  octets[0] = subStream << 4;
  let [high, low] = [Number(invocation >> 32n), Number(invocation & 0xffff_ffffn)];
  for (let at = 3; at >= 0; at--) {
    octets[4 + at] = high & 0xff;
    octets[8 + at] = low & 0xff;
    high >>>= 8;
    low >>>= 8;
  }
  return octets;
}
