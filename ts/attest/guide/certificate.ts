// X.509 certificates of the field guide's chain: RSA-2048, P-256 and P-384 keys, PSS and ECDSA signatures. RFC 5280, 4.1; RFC 5758.
import { concat, hex } from "../bytes.ts";
import type { Extension } from "../certificate.ts";
import { extensionsOf, type Name, nameOf, requirePss } from "../certificate.ts";
import { Refusal } from "../code.ts";
import * as Der from "../der.ts";

export type KeyKind = "RSA-2048" | "P-256" | "P-384";

export interface GuideCertificate {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  /** As WebCrypto verifies it: PSS as it is, ECDSA as r and s of equal length. */
  readonly signature: Uint8Array;
  readonly algorithm: "PSS" | "ECDSA-SHA-256" | "ECDSA-SHA-384";
  readonly subject: Name;
  readonly issuer: Name;
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly key: { readonly kind: KeyKind; readonly spki: Uint8Array };
  readonly extensions: readonly Extension[];
}

const wrong = (what: string) => new Refusal("CERTIFICATE_MALFORMED", what);

const oidIn = (value: Der.Value | undefined, what: string): string =>
  Der.oidOf(
    Der.requireTag(
      Der.valuesOf(Der.requireTag(value, Der.SEQUENCE, what).content)[0],
      Der.OID,
      what,
    ),
    what,
  );

const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const curves: Record<string, KeyKind> = {
  "1.2.840.10045.3.1.7": "P-256",
  "1.3.132.0.34": "P-384",
};
const ecdsa: Record<string, { algorithm: GuideCertificate["algorithm"]; bytes: number }> = {
  "1.2.840.10045.4.3.2": { algorithm: "ECDSA-SHA-256", bytes: 32 },
  "1.2.840.10045.4.3.3": { algorithm: "ECDSA-SHA-384", bytes: 48 },
};

function keyOf(value: Der.Value | undefined): GuideCertificate["key"] {
  const what = "public key";
  const spki = Der.requireTag(value, Der.SEQUENCE, what);
  const [algorithm, bits] = Der.valuesOf(spki.content);
  const type = oidIn(algorithm, what);
  const octets = Der.bitsOf(Der.requireTag(bits, Der.BIT_STRING, what), what);
  if (type === EC) {
    const parameter = Der.valuesOf((algorithm as Der.Value).content)[1];
    const kind = curves[Der.oidOf(Der.requireTag(parameter, Der.OID, what), what)];
    if (kind !== undefined) return { kind, spki: spki.whole };
  }
  if (type !== RSA) throw wrong(`${what}: ${type}, expected RSA-2048, P-256 or P-384`);
  const [modulus, exponent] = Der.valuesOf(Der.single(octets, Der.SEQUENCE, what).content);
  const bytes = Der.integerOf(Der.requireTag(modulus, Der.INTEGER, what), what).length;
  const power = hex(Der.integerOf(Der.requireTag(exponent, Der.INTEGER, what), what));
  if (bytes === 256 && power === "010001") return { kind: "RSA-2048", spki: spki.whole };
  const seen = `RSA of ${bytes} bytes with exponent 0x${power}`;
  throw new Refusal("CERTIFICATE_PROFILE", `${seen}, expected 256 and 65537`);
}

/** r and s, each filled up to the curve's bytes. */
function ecdsaOf(bits: Uint8Array, bytes: number): Uint8Array {
  const numbers = Der.valuesOf(Der.single(bits, Der.SEQUENCE, "signature").content);
  const filled = numbers.map((value) => {
    const number = Der.integerOf(value, "signature");
    if (number.length > bytes) throw wrong(`signature: a number of ${number.length} bytes`);
    return concat(new Uint8Array(bytes - number.length), number);
  });
  if (filled.length !== 2) throw wrong(`signature: ${filled.length} numbers, expected 2`);
  return concat(...filled);
}

function signatureOf(algorithm: Der.Value | undefined, bits: Uint8Array) {
  const curve = ecdsa[oidIn(algorithm, "signature algorithm")];
  if (curve) return { algorithm: curve.algorithm, signature: ecdsaOf(bits, curve.bytes) };
  requirePss(algorithm);
  return { algorithm: "PSS" as const, signature: bits };
}

/** One certificate in DER. */
export function parseGuideCertificate(der: Uint8Array): GuideCertificate {
  const what = "certificate";
  const [tbs, algorithm, bits] = Der.valuesOf(Der.single(der, Der.SEQUENCE, what).content);
  const parts = Der.valuesOf(Der.requireTag(tbs, Der.SEQUENCE, what).content);
  const [, , , issuer, validity, subject, key, ...rest] = parts;
  const [from, to] = Der.valuesOf(Der.requireTag(validity, Der.SEQUENCE, "validity").content);
  const list = rest.find((part) => part.tag === 0xa3);
  const listed = list && Der.valuesOf(list.content)[0];
  return {
    der,
    tbs: (tbs as Der.Value).whole,
    ...signatureOf(algorithm, Der.bitsOf(Der.requireTag(bits, Der.BIT_STRING, what), what)),
    subject: nameOf(Der.requireTag(subject, Der.SEQUENCE, "subject"), "subject"),
    issuer: nameOf(Der.requireTag(issuer, Der.SEQUENCE, "issuer"), "issuer"),
    subjectDer: (subject as Der.Value).whole,
    issuerDer: (issuer as Der.Value).whole,
    notBefore: Der.timeOf(from, "notBefore"),
    notAfter: Der.timeOf(to, "notAfter"),
    key: keyOf(key),
    extensions: listed === undefined ? [] : extensionsOf(listed),
  };
}
