// What SPDM computes with: hashes, AES-GCM and elliptic curves. DSP0274 10.5 names them, noble does them.
import { gcm } from "@noble/ciphers/aes.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { expand } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import * as Spdm from "../abi/spdm.ts";
import type { Clock } from "../clock.ts";
import type { Prng } from "../prng.ts";

export type { Clock, Prng };

/** A running hash: the transcripts. */
export interface Running {
  update(octets: Uint8Array): Running;
  digest(): Uint8Array;
  clone(): Running;
}

export interface Hash {
  name: string;
  bytes: number;
  start(): Running;
  digest(octets: Uint8Array): Uint8Array;
  hmac(key: Uint8Array, octets: Uint8Array): Uint8Array;
  expand(key: Uint8Array, info: Uint8Array, bytes: number): Uint8Array;
}

/** Public-key operations of one curve. A signature is r then s, a share x then y, both big endian. */
export interface Curve {
  name: string;
  bytes: number;
  secretKey(prng: Prng): Uint8Array;
  publicKey(secret: Uint8Array): Uint8Array;
  sign(digest: Uint8Array, secret: Uint8Array): Uint8Array;
  verify(signature: Uint8Array, digest: Uint8Array, share: Uint8Array): boolean;
  /** The x coordinate both sides reach; undefined when `share` is not a point of the curve. */
  agree(secret: Uint8Array, share: Uint8Array): Uint8Array | undefined;
}

export interface Aead {
  name: string;
  keyBytes: number;
  seal(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or undefined when the tag is wrong. */
  open(
    key: Uint8Array,
    iv: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;
}

export const TAG_BYTES = 16;
export const IV_BYTES = 12;

type NobleHash = typeof sha256 | typeof sha384;

function hash(name: string, bytes: number, noble: NobleHash): Hash {
  return {
    name,
    bytes,
    start: () => noble.create() as Running,
    digest: (octets) => noble(octets),
    hmac: (key, octets) => hmac(noble, key, octets),
    expand: (key, info, length) => expand(noble, key, info, length),
  };
}

type NobleCurve = typeof p256 | typeof p384;

function curve(name: string, bytes: number, noble: NobleCurve): Curve {
  const point = (share: Uint8Array): Uint8Array => {
    const encoded = new Uint8Array(1 + share.length);
    encoded[0] = 4;
    encoded.set(share, 1);
    return encoded;
  };
  // Digests come hashed; DSP0274 does not ask for a low s.
  const plain = { prehash: false, lowS: false } as const;
  return {
    name,
    bytes,
    secretKey: (prng) => noble.utils.randomSecretKey(prng.bytes(noble.lengths.seed ?? bytes + 24)),
    publicKey: (secret) => noble.getPublicKey(secret, false).subarray(1),
    sign: (digest, secret) => noble.sign(digest, secret, plain),
    verify(signature, digest, share) {
      if (signature.length !== 2 * bytes || share.length !== 2 * bytes) return false;
      try {
        return noble.verify(signature, digest, point(share), plain);
      } catch {
        return false;
      }
    },
    agree(secret, share) {
      if (share.length !== 2 * bytes) return undefined;
      try {
        return noble.getSharedSecret(secret, point(share)).subarray(1, 1 + bytes);
      } catch {
        return undefined;
      }
    },
  };
}

function aesGcm(name: string, keyBytes: number): Aead {
  return {
    name,
    keyBytes,
    seal: (key, iv, aad, plaintext) => gcm(key, iv, aad).encrypt(plaintext),
    open(key, iv, aad, sealed) {
      if (sealed.length < TAG_BYTES) return undefined;
      try {
        return gcm(key, iv, aad).decrypt(sealed);
      } catch {
        return undefined;
      }
    },
  };
}

export const SHA256: Hash = hash("SHA-256", 32, sha256);
export const SHA384: Hash = hash("SHA-384", 48, sha384);

/** The curves a party computes with; another implementation (or a stopwatch) may be passed instead. */
export interface Curves {
  p256: Curve;
  p384: Curve;
}

export const nobleCurves: Curves = {
  p256: curve("P-256", 32, p256),
  p384: curve("P-384", 48, p384),
};

/** The algorithms by their bit in ALGORITHMS, best first. */
export const hashes: [bit: number, measurementBit: number, hash: Hash][] = [
  [Spdm.HASH_SHA384_BIT, Spdm.MEAS_HASH_SHA384_BIT, SHA384],
  [Spdm.HASH_SHA256_BIT, Spdm.MEAS_HASH_SHA256_BIT, SHA256],
];

export const aeads: [bit: number, aead: Aead][] = [
  [Spdm.AEAD_AES_256_GCM_BIT, aesGcm("AES-256-GCM", 32)],
  [Spdm.AEAD_AES_128_GCM_BIT, aesGcm("AES-128-GCM", 16)],
];

export const asyms: [bit: number, curve: keyof Curves][] = [
  [Spdm.ASYM_ECDSA_P384_BIT, "p384"],
  [Spdm.ASYM_ECDSA_P256_BIT, "p256"],
];

export const dhes: [bit: number, curve: keyof Curves][] = [
  [Spdm.DHE_SECP384R1_BIT, "p384"],
  [Spdm.DHE_SECP256R1_BIT, "p256"],
];
