// HMAC_DRBG with SHA-256, the only source of chance. NIST SP 800-90A rev. 1, 10.1.2. Seeded, so that a machine replays.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export interface Prng {
  /** The next `length` bytes. At most 65536 a call, as the standard allows. */
  bytes(length: number): Uint8Array;
}

const OUTPUT = 32;
const MOST = 65536;

/** A generator whose whole output follows from `seed` and `purpose` (the standard's personalization string). */
export function prng(seed: bigint, purpose: string): Prng {
  let key: Uint8Array = new Uint8Array(OUTPUT);
  let value: Uint8Array = new Uint8Array(OUTPUT).fill(1);
  const update = (provided: Uint8Array) => {
    for (const round of [0, 1]) {
      key = hmac(sha256, key, concatBytes(value, Uint8Array.of(round), provided));
      value = hmac(sha256, key, value);
      if (provided.length === 0) break;
    }
  };
  update(concatBytes(littleEndian(seed), utf8ToBytes(purpose)));
  return {
    bytes(length) {
      if (length > MOST) throw new RangeError(`prng: ${length} bytes, expected at most ${MOST}`);
      const out = new Uint8Array(length);
      for (let at = 0; at < length; at += OUTPUT) {
        value = hmac(sha256, key, value);
        out.set(value.subarray(0, Math.min(OUTPUT, length - at)), at);
      }
      update(new Uint8Array(0));
      return out;
    },
  };
}

/** 32 bytes of entropy input that hold the seed. */
function littleEndian(seed: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i++)
    view.setBigUint64(8 * i, BigInt.asUintN(64, seed >> BigInt(64 * i)), true);
  return bytes;
}
