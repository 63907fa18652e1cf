// XTS-AES-128 over whole blocks, tweak arithmetic in bigint (IEEE 1619, 5.3); and XEX with a linear tweak (aes-engine.md 2).
import { decrypt, encrypt } from "./aes.ts";

const toInteger = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

const toBytes = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!);

/** One data unit. */
export function xts(
  key: Uint8Array,
  tweakKey: Uint8Array,
  unit: bigint,
  data: Uint8Array,
  direction: "encrypt" | "decrypt",
): Uint8Array {
  const out = new Uint8Array(data.length);
  let tweak = toInteger(encrypt(tweakKey, toBytes(unit)));
  for (let at = 0; at < data.length; at += 16) {
    out.set(xex(key, toBytes(tweak), data.subarray(at, at + 16), direction), at);
    tweak <<= 1n;
    if (tweak >> 128n) tweak ^= (1n << 128n) | 0x87n;
  }
  return out;
}

/** One block between two additions of a tweak. */
export function xex(
  key: Uint8Array,
  tweak: Uint8Array,
  block: Uint8Array,
  direction: "encrypt" | "decrypt",
): Uint8Array {
  const cipher = direction === "encrypt" ? encrypt : decrypt;
  return xor(cipher(key, xor(block, tweak)), tweak);
}

/** The sum of the constants of an address's set bits; `constants` holds 16 bytes a bit. */
export function linearTweak(constants: Uint8Array, spa: bigint): Uint8Array {
  let tweak = new Uint8Array(16);
  for (let i = 4; i < 64; i++) {
    if ((spa >> BigInt(i)) & 1n)
      tweak = xor(tweak, constants.subarray(16 * i, 16 * i + 16)) as typeof tweak;
  }
  return tweak;
}
