// RSASSA-PSS and ECDSA P-384 through WebCrypto, which every runtime has and has right. RFC 8017, 8.1.2; FIPS 186-5, 6.4.2.
import { concat } from "./bytes.ts";
import type { PublicKey, Signed } from "./certificate.ts";
import { Refusal } from "./code.ts";
import type { LegacyCertificate } from "./legacy.ts";

const PSS = { name: "RSA-PSS", hash: "SHA-384" } as const;
const ECDSA = { name: "ECDSA", namedCurve: "P-384" } as const;

const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);

/** A key as WebCrypto holds it, or undefined when the engine does not take it. */
export type OpenedKey = Promise<CryptoKey | undefined>;

/** Imports a key, once for all it has signed: that costs more than a verification. */
export async function openKey(key: PublicKey): OpenedKey {
  const { subtle } = crypto;
  try {
    if (key.kind === "RSA") {
      return await subtle.importKey("spki", copy(key.spki), PSS, false, ["verify"]);
    }
    // A bare point imports three times as fast as SubjectPublicKeyInfo in Node 20.
    const point = concat(Uint8Array.of(4), key.number);
    return await subtle.importKey("raw", point, ECDSA, false, ["verify"]);
  } catch {
    // A point off the curve, or an RSA key that the engine does not take.
    return undefined;
  }
}

/** An engine may answer a signature of odd length with an error: it is a wrong one all the same. */
const holds = (verified: Promise<boolean>): Promise<boolean> => verified.catch(() => false);

/** True when the RSA key signed these bytes. */
export async function isSignedBy(signed: Signed, key: OpenedKey): Promise<boolean> {
  const opened = await key;
  if (opened?.algorithm.name !== PSS.name) return false;
  const pss = { name: PSS.name, saltLength: 48 };
  return holds(crypto.subtle.verify(pss, opened, copy(signed.signature), copy(signed.tbs)));
}

/** True when the P-384 key made r and s (96 bytes, big-endian) over these bytes. */
export async function isReportSignedBy(
  signed: Uint8Array,
  signature: Uint8Array,
  key: OpenedKey,
): Promise<boolean> {
  const opened = await key;
  if (opened?.algorithm.name !== ECDSA.name) return false;
  const ecdsa = { name: ECDSA.name, hash: "SHA-384" };
  return holds(crypto.subtle.verify(ecdsa, opened, copy(signature), copy(signed)));
}

function base64url(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function trimmed(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(first < 0 ? bytes.length : first);
}

/** Checks an AMD-form certificate's own signature: SHA-256 for 2048 bits, SHA-384 for 4096. AMD 55766, B.2. */
export async function isLegacySignedBy(
  certificate: LegacyCertificate,
  signer: LegacyCertificate,
): Promise<boolean> {
  const hash = signer.bits === 2048 ? "SHA-256" : "SHA-384";
  const jwk = {
    kty: "RSA",
    n: base64url(trimmed(signer.modulus)),
    e: base64url(trimmed(signer.exponent)),
  };
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("jwk", jwk, { name: "RSA-PSS", hash }, false, ["verify"]);
  } catch {
    throw new Refusal("CERTIFICATE_MALFORMED", "ask_ark.cert: no RSA key");
  }
  const pss = { name: "RSA-PSS", saltLength: signer.bits === 2048 ? 32 : 48 };
  const { signature, signed } = certificate;
  return holds(crypto.subtle.verify(pss, key, copy(signature), copy(signed)));
}
