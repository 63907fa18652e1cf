// X.509 certificates as AMD makes them: RSASSA-PSS with SHA-384, RSA or P-384 keys. RFC 5280, 4.1; AMD 57230.
import { equal, hex, unbase64 } from "./bytes.ts";
import { Refusal } from "./code.ts";
import * as Der from "./der.ts";

/** Attribute types by their short names: CN, O, OU, C, ST, L. */
export type Name = Readonly<Record<string, readonly string[]>>;

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export interface PublicKey {
  readonly kind: "RSA" | "P-384";
  /** SubjectPublicKeyInfo, as WebCrypto imports it. */
  readonly spki: Uint8Array;
  /** Modulus of an RSA key, or X and Y of a point. */
  readonly number: Uint8Array;
  /** Of an RSA key. */
  readonly exponent?: Uint8Array;
}

/** What certificates and revocation lists share: the signed part, and a PSS signature over it. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Certificate extends Signed {
  readonly der: Uint8Array;
  /** Hexadecimal, without leading zeros. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly key: PublicKey;
  readonly extensions: readonly Extension[];
}

const wrong = (what: string) => new Refusal("CERTIFICATE_MALFORMED", what);

const attributes: Record<string, string> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
};

export function nameOf(value: Der.Value, what: string): Name {
  const name: Record<string, string[]> = {};
  for (const set of Der.valuesOf(Der.requireTag(value, Der.SEQUENCE, what).content)) {
    for (const pair of Der.valuesOf(Der.requireTag(set, Der.SET, what).content)) {
      const [type, text] = Der.valuesOf(Der.requireTag(pair, Der.SEQUENCE, what).content);
      if (type === undefined || text === undefined) throw wrong(`${what}: attribute without value`);
      const oid = Der.oidOf(type, what);
      const short = attributes[oid] ?? oid;
      name[short] = [...(name[short] ?? []), Der.textOf(text)];
    }
  }
  return name;
}

const PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const SHA384 = "2.16.840.1.101.3.4.2.2";
const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const SECP384R1 = "1.3.132.0.34";

function requireAlgorithm(value: Der.Value | undefined, oid: string, what: string): Der.Value[] {
  const [id, ...parameters] = Der.valuesOf(Der.requireTag(value, Der.SEQUENCE, what).content);
  const seen = Der.oidOf(Der.requireTag(id, Der.OID, what), what);
  if (seen !== oid) throw wrong(`${what}: ${seen}, expected ${oid}`);
  return parameters;
}

const inner = (value: Der.Value | undefined, tag: number, what: string): Der.Value | undefined =>
  Der.valuesOf(Der.requireTag(value, tag, what).content)[0];

/** RSASSA-PSS with SHA-384 for hash and mask, and a salt of 48 bytes. RFC 4055, 3.1. */
export function requirePss(value: Der.Value | undefined): void {
  const what = "signature algorithm";
  const [parameters] = requireAlgorithm(value, PSS, what);
  const parts = Der.valuesOf(Der.requireTag(parameters, Der.SEQUENCE, what).content);
  const [hash, mask, salt, trailer, ...rest] = parts;
  requireAlgorithm(inner(hash, 0xa0, what), SHA384, `${what} hash`);
  const [maskHash] = requireAlgorithm(inner(mask, 0xa1, what), MGF1, `${what} mask`);
  requireAlgorithm(maskHash, SHA384, `${what} mask hash`);
  const bytes = Der.smallIntegerOf(inner(salt, 0xa2, what) as Der.Value, `${what} salt`);
  if (bytes !== 48) throw wrong(`${what}: salt of ${bytes} bytes, expected 48`);
  const last = trailer === undefined ? 1 : inner(trailer, 0xa3, what);
  if (rest.length > 0 || (last !== 1 && Der.smallIntegerOf(last as Der.Value, what) !== 1)) {
    throw wrong(`${what}: trailer field`);
  }
}

function keyOf(value: Der.Value | undefined): PublicKey {
  const what = "public key";
  const spki = Der.requireTag(value, Der.SEQUENCE, what);
  const [algorithm, bits] = Der.valuesOf(spki.content);
  const key = Der.bitsOf(Der.requireTag(bits, Der.BIT_STRING, what), what);
  const [id, parameter] = Der.valuesOf(Der.requireTag(algorithm, Der.SEQUENCE, what).content);
  const oid = Der.oidOf(Der.requireTag(id, Der.OID, what), what);
  if (oid === RSA) {
    const [modulus, power] = Der.valuesOf(Der.single(key, Der.SEQUENCE, what).content);
    const number = Der.integerOf(Der.requireTag(modulus, Der.INTEGER, what), what);
    const exponent = Der.integerOf(Der.requireTag(power, Der.INTEGER, what), what);
    return { kind: "RSA", spki: spki.whole, number, exponent };
  }
  const curve = oid === EC ? Der.oidOf(Der.requireTag(parameter, Der.OID, what), what) : "";
  if (curve !== SECP384R1 || key.length !== 97 || key[0] !== 4) {
    throw wrong(`${what}: ${oid} ${curve}, expected RSA or an uncompressed point of P-384`);
  }
  return { kind: "P-384", spki: spki.whole, number: key.subarray(1) };
}

export function extensionsOf(value: Der.Value): Extension[] {
  return Der.valuesOf(Der.requireTag(value, Der.SEQUENCE, "extensions").content).map((one) => {
    const parts = Der.valuesOf(Der.requireTag(one, Der.SEQUENCE, "extension").content);
    const oid = Der.oidOf(Der.requireTag(parts[0], Der.OID, "extension"), "extension");
    if (parts.length > 3) throw wrong(`${oid}: ${parts.length} values, expected 2 or 3`);
    const flag = parts.length === 3 ? Der.requireTag(parts[1], 0x01, oid) : undefined;
    if (flag !== undefined && flag.content[0] !== 0xff) throw wrong(`${oid}: critical flag`);
    const last = Der.requireTag(parts[parts.length - 1], Der.OCTET_STRING, oid);
    return { oid, critical: flag !== undefined, value: last.content };
  });
}

/** SEQUENCE { tbs, algorithm, signature }, whose tbs repeats the algorithm. RFC 5280, 4.1.1.2. */
export function signedOf(der: Uint8Array, what: string): Signed & { parts: Der.Value[] } {
  const [tbs, algorithm, bits, ...rest] = Der.valuesOf(Der.single(der, Der.SEQUENCE, what).content);
  if (rest.length > 0) throw wrong(`${what}: ${rest.length} values too many`);
  requirePss(algorithm);
  const parts = Der.valuesOf(Der.requireTag(tbs, Der.SEQUENCE, what).content);
  const repeated = parts.some((part) => equal(part.whole, (algorithm as Der.Value).whole));
  if (!repeated) throw wrong(`${what}: the signed part names another signature algorithm`);
  const signature = Der.bitsOf(Der.requireTag(bits, Der.BIT_STRING, what), what);
  return { tbs: (tbs as Der.Value).whole, signature, parts };
}

/** One certificate in DER. Refuses what DER, version 3 and AMD's algorithms do not allow. */
export function parseCertificate(der: Uint8Array): Certificate {
  const { tbs, signature, parts } = signedOf(der, "certificate");
  const [version, serial, , issuer, validity, subject, key, ...rest] = parts;
  const number = inner(version, 0xa0, "version");
  if (Der.smallIntegerOf(number as Der.Value, "version") !== 2) throw wrong("version, expected 3");
  const [from, to] = Der.valuesOf(Der.requireTag(validity, Der.SEQUENCE, "validity").content);
  const last = rest.find((part) => part.tag === 0xa3);
  const list = last === undefined ? undefined : inner(last, 0xa3, "extensions");
  return {
    der,
    tbs,
    signature,
    serial: hex(Der.integerOf(serial as Der.Value, "serial number")).replace(/^0+(?=.)/, ""),
    issuer: nameOf(issuer as Der.Value, "issuer"),
    subject: nameOf(Der.requireTag(subject, Der.SEQUENCE, "subject"), "subject"),
    issuerDer: (issuer as Der.Value).whole,
    subjectDer: (subject as Der.Value).whole,
    notBefore: Der.timeOf(from, "notBefore"),
    notAfter: Der.timeOf(to, "notAfter"),
    key: keyOf(key),
    extensions: list === undefined ? [] : extensionsOf(list),
  };
}

const armour = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END ([A-Z0-9 ]+)-----/g;

/** The DER blocks with one of these labels in a PEM text, in order. */
export function pemBlocks(text: string, labels: readonly string[]): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (const [, label, body, end] of text.matchAll(armour)) {
    if (label !== end || !labels.includes(label as string)) continue;
    const der = unbase64(body as string);
    if (der === undefined) throw wrong(`PEM block ${label}: not base64`);
    blocks.push(der);
  }
  return blocks;
}

export function isPem(bytes: Uint8Array): boolean {
  return (
    bytes[0] !== Der.SEQUENCE &&
    String.fromCharCode(...bytes.subarray(0, 4096)).includes("-----BEGIN ")
  );
}

/** Certificates in DER, or in one or many blocks of PEM. */
export function parseCertificates(bytes: Uint8Array): Certificate[] {
  if (!isPem(bytes)) return [parseCertificate(bytes)];
  const blocks = pemBlocks(new TextDecoder().decode(bytes), ["CERTIFICATE"]);
  if (blocks.length === 0) throw wrong("PEM without a CERTIFICATE block");
  return blocks.map(parseCertificate);
}
