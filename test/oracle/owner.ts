// A SEV guest's owner, as AMD's sev-tool is one: session, expected measurement, secret. Written with node:crypto alone.
import { createCipheriv, createECDH, createHash, createHmac } from "node:crypto";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const mac = (key: Uint8Array, ...parts: Uint8Array[]) =>
  createHmac("sha256", key).update(Buffer.concat(parts)).digest();
const ctr = (key: Uint8Array, iv: Uint8Array, bytes: Uint8Array) =>
  createCipheriv("aes-128-ctr", key, iv).update(bytes);
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** SP 800-108 in counter mode; 16 bytes. */
const kdf = (key: Uint8Array, label: string, context: Uint8Array = Buffer.alloc(0)) =>
  mac(key, u32(1), Buffer.from(`${label}\0`), context, u32(128)).subarray(0, 16);

const TEK = Buffer.alloc(16, 0x11);
const TIK = Buffer.alloc(16, 0x22);
const NONCE = Buffer.alloc(16, 0x33);
const IV = Buffer.alloc(16, 0x44);

/** A certificate's public key, uncompressed: X and Y stand little-endian at 0x14 and 0x5c. */
const pointOf = (certificate: Uint8Array) =>
  Buffer.concat([
    Buffer.of(4),
    Buffer.from(certificate.slice(0x14, 0x44)).reverse(),
    Buffer.from(certificate.slice(0x5c, 0x8c)).reverse(),
  ]);

/** The owner's own Diffie-Hellman certificate, and session data for the platform whose PDH certificate is given. */
export function session(
  pdh: Uint8Array,
  policy: number,
): { certificate: Uint8Array; data: Uint8Array } {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(Buffer.alloc(48, 0x55));
  const own = ecdh.getPublicKey();
  const certificate = new Uint8Array(2084);
  certificate.set(pdh.subarray(0, 0x14));
  certificate.set(Buffer.from(own.subarray(1, 49)).reverse(), 0x14);
  certificate.set(Buffer.from(own.subarray(49)).reverse(), 0x5c);
  const master = kdf(ecdh.computeSecret(pointOf(pdh)), "sev-master-secret", NONCE);
  const wrapped = ctr(kdf(master, "sev-kek"), IV, Buffer.concat([TEK, TIK]));
  const wrapMac = mac(kdf(master, "sev-kik"), wrapped);
  return { certificate, data: Buffer.concat([NONCE, wrapped, IV, wrapMac, mac(TIK, u32(policy))]) };
}

/** What LAUNCH_MEASURE must answer for a guest with this memory. Spec digest psp-mailbox-commands.md 9. */
export function measurement(
  api: readonly [number, number, number],
  policy: number,
  memory: Uint8Array,
  nonce: Uint8Array,
): Buffer {
  return mac(TIK, Buffer.of(4, ...api), u32(policy), sha256(memory), nonce);
}

/** A secret's packet: header and data. */
export function secret(
  bytes: Uint8Array,
  measure: Uint8Array,
): { header: Uint8Array; data: Uint8Array } {
  const data = ctr(TEK, IV, bytes);
  const head = Buffer.concat([u32(0), IV]);
  const tag = mac(TIK, Buffer.of(1), head, u32(bytes.length), u32(data.length), data, measure);
  return { header: Buffer.concat([head, tag]), data };
}
