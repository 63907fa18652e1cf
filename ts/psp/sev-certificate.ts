// SEV certificates: P-384 keys in AMD's own form, with room for two signatures. SEV API (AMD 55766), appendix C.
import { p384 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as Layout from "../abi/psp/sev-certificate.ts";
import { viewOf } from "../layout.ts";
import type { FirmwareVersion } from "./facts.ts";

const SIGNED = Layout.SIG1_USAGE;
const COORDINATE = 48;
const SIGNATURE_BYTES = Layout.SIG2_USAGE - Layout.SIG1_USAGE;

/** A certificate that nobody has signed. `secretKey` is 48 bytes. */
export function makeCertificate(
  usage: number,
  secretKey: Uint8Array,
  { major, minor }: FirmwareVersion,
): Uint8Array {
  const bytes = new Uint8Array(Layout.SIZE);
  const view = viewOf(bytes);
  const isDiffieHellman = usage === Layout.PDH;
  view.setUint32(Layout.VERSION, Layout.VERSION_1, true);
  bytes[Layout.API_MAJOR] = major;
  bytes[Layout.API_MINOR] = minor;
  view.setUint32(Layout.PUBKEY_USAGE, usage, true);
  const algorithm = isDiffieHellman ? Layout.ECDH_SHA256 : Layout.ECDSA_SHA256;
  view.setUint32(Layout.PUBKEY_ALGO, algorithm, true);
  view.setUint32(Layout.CURVE, Layout.P384, true);
  const point = p384.getPublicKey(secretKey, false);
  bytes.set(point.slice(1, 1 + COORDINATE).reverse(), Layout.QX);
  bytes.set(point.slice(1 + COORDINATE).reverse(), Layout.QY);
  for (const at of [Layout.SIG1_USAGE, Layout.SIG2_USAGE]) view.setUint32(at, Layout.INVALID, true);
  return bytes;
}

/** The public key, uncompressed; undefined when the certificate has none that is a point of P-384. */
export function pointOf(certificate: Uint8Array): Uint8Array | undefined {
  const view = viewOf(certificate);
  if (view.getUint32(Layout.CURVE, true) !== Layout.P384) return undefined;
  const point = new Uint8Array(1 + 2 * COORDINATE);
  point[0] = 4;
  point.set(certificate.slice(Layout.QX, Layout.QX + COORDINATE).reverse(), 1);
  point.set(certificate.slice(Layout.QY, Layout.QY + COORDINATE).reverse(), 1 + COORDINATE);
  try {
    p384.Point.fromBytes(point).assertValidity();
    return point;
  } catch {
    return undefined;
  }
}

export const usageOf = (certificate: Uint8Array): number =>
  viewOf(certificate).getUint32(Layout.PUBKEY_USAGE, true);

/** Signs what of a certificate is signed, into its first or second place. */
export function sign(
  certificate: Uint8Array,
  place: 1 | 2,
  signer: { usage: number; secretKey: Uint8Array },
): void {
  const at = place === 1 ? 0 : SIGNATURE_BYTES;
  const view = viewOf(certificate);
  const { r, s } = signatureOf(certificate.subarray(0, SIGNED), signer.secretKey);
  view.setUint32(Layout.SIG1_USAGE + at, signer.usage, true);
  view.setUint32(Layout.SIG1_ALGO + at, Layout.ECDSA_SHA256, true);
  certificate.set(r, Layout.SIG1_R + at);
  certificate.set(s, Layout.SIG1_S + at);
}

/** ECDSA over SHA-256, its two numbers little-endian in 72 bytes each. */
export function signatureOf(
  message: Uint8Array,
  secretKey: Uint8Array,
): { r: Uint8Array; s: Uint8Array } {
  const compact = p384.sign(sha256(message), secretKey, { prehash: false });
  const field = (from: number) => {
    const bytes = new Uint8Array(72);
    bytes.set(compact.slice(from, from + COORDINATE).reverse());
    return bytes;
  };
  return { r: field(0), s: field(COORDINATE) };
}

/** Whether either signature of a certificate is the signer's. */
export function isSignedBy(certificate: Uint8Array, signer: Uint8Array): boolean {
  const point = pointOf(signer);
  if (!point) return false;
  const digest = sha256(certificate.subarray(0, SIGNED));
  return [0, SIGNATURE_BYTES].some((at) => {
    const usage = viewOf(certificate).getUint32(Layout.SIG1_USAGE + at, true);
    if (usage !== usageOf(signer)) return false;
    const number = (offset: number) =>
      certificate.slice(offset + at, offset + at + COORDINATE).reverse();
    const compact = new Uint8Array(2 * COORDINATE);
    compact.set(number(Layout.SIG1_R));
    compact.set(number(Layout.SIG1_S), COORDINATE);
    try {
      return p384.verify(compact, digest, point, { prehash: false, lowS: false });
    } catch {
      return false;
    }
  });
}

/** Whether bytes have the form of a certificate for a usage, with a key that is one. */
export function isCertificate(bytes: Uint8Array, usage: number): boolean {
  return (
    bytes.length === Layout.SIZE &&
    viewOf(bytes).getUint32(Layout.VERSION, true) === Layout.VERSION_1 &&
    usageOf(bytes) === usage &&
    pointOf(bytes) !== undefined
  );
}
