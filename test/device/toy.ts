// Curves without security but with the same shape and a hundredth of the cost, for tests that need many handshakes.
import { type Curve, type Curves, SHA256 } from "../../dist/spdm/crypto.js";
import { equal, join } from "../../dist/spdm/octets.js";

const PRIME = 2n ** 61n - 1n;
const GENERATOR = 37n;

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base % PRIME];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}

const numberOf = (octets: Uint8Array): bigint =>
  octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);

function octetsOf(value: bigint, bytes: number): Uint8Array {
  const octets = new Uint8Array(bytes);
  for (let i = bytes - 1, left = value; left > 0n; i--, left >>= 8n)
    octets[i] = Number(left & 255n);
  return octets;
}

function toy(name: string, bytes: number): Curve {
  const publicKey = (secret: Uint8Array) =>
    octetsOf(power(GENERATOR, numberOf(secret.subarray(0, 7))), 2 * bytes);
  const signature = (digest: Uint8Array, share: Uint8Array) => {
    const once = SHA256.hmac(share, digest);
    return join(once, once, once).slice(0, 2 * bytes);
  };
  return {
    name,
    bytes,
    secretKey: (prng) => prng.bytes(bytes),
    publicKey,
    sign: (digest, secret) => signature(digest, publicKey(secret)),
    verify: (signed, digest, share) => equal(signed, signature(digest, share)),
    agree(secret, share) {
      const point = numberOf(share);
      if (share.length !== 2 * bytes || point === 0n || point >= PRIME) return undefined;
      return octetsOf(power(point, numberOf(secret.subarray(0, 7))), bytes);
    },
  };
}

export const toyCurves: Curves = { p256: toy("toy 256", 32), p384: toy("toy 384", 48) };

/** Both sides of a rig with toy curves. */
export const TOY = { curves: toyCurves };
