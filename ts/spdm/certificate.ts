// A slot's certificate chain: its SPDM header, its X.509 certificates and the checks a requester makes. DSP0274 10.7.1.
import * as Layout from "../abi/spdm-certificate.ts";
import { BadInput } from "../error.ts";
import { type Curves, type Hash, SHA256, SHA384 } from "./crypto.ts";
import * as Der from "./der.ts";
import { equal, hex, join, le16, u16 } from "./octets.ts";

export const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
export const ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
export const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
export const PRIME256V1 = "1.2.840.10045.3.1.7";
export const SECP384R1 = "1.3.132.0.34";
export const BASIC_CONSTRAINTS = "2.5.29.19";
export const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const DMTF_RESPONDER_AUTH = "1.3.6.1.4.1.412.274.3";
const DMTF_REQUESTER_AUTH = "1.3.6.1.4.1.412.274.4";

export interface Certificate {
  der: Uint8Array;
  tbs: Uint8Array;
  issuer: Uint8Array;
  subject: Uint8Array;
  notBefore: number;
  notAfter: number;
  curve: keyof Curves;
  publicKey: Uint8Array;
  signatureHash: Hash;
  signature: Uint8Array;
  extensions: Map<string, Uint8Array>;
}

export interface Chain {
  rootHash: Uint8Array;
  certificates: Certificate[];
  leafKey: Uint8Array;
}

/** The chain as it travels: length, root hash, certificates from root to leaf. */
export function wrapChain(hash: Hash, certificates: Uint8Array[]): Uint8Array {
  const body = join(hash.digest(certificates[0]!), ...certificates);
  const length = Layout.CHAIN_ROOT_HASH + body.length;
  if (length > 0xffff) throw new BadInput(`certificate chain: ${length} bytes, expected <= 65535`);
  return join(le16(length), le16(0), body);
}

/** Reads a chain as it travels. Whether it is to be believed is `verifyChain`'s question. */
export function chainOf(octets: Uint8Array, hash: Hash): Chain {
  const start = Layout.CHAIN_ROOT_HASH + hash.bytes;
  if (octets.length <= start || u16(octets, Layout.CHAIN_LENGTH) !== octets.length) {
    const length = octets.length < 2 ? 0 : u16(octets, Layout.CHAIN_LENGTH);
    throw new BadInput(`certificate chain: length field ${length}, bytes present ${octets.length}`);
  }
  const body = octets.subarray(start);
  const certificates = Der.elements(body, "certificate chain").map((each, i) =>
    certificateOf(each.whole, `certificate ${i}`),
  );
  const rootHash = octets.subarray(Layout.CHAIN_ROOT_HASH, start);
  return { rootHash, certificates, leafKey: certificates.at(-1)!.publicKey };
}

const dotted = (content: Uint8Array): string => {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const octet of content) {
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    if (octet & 0x80) continue;
    if (arcs.length === 0) {
      const top = arc >= 80n ? 2n : arc / 40n;
      arcs.push(top, arc - top * 40n);
    } else arcs.push(arc);
    arc = 0n;
  }
  return arcs.join(".");
};

const oidIn = (sequence: Der.Tlv, nth: number, what: string): string => {
  const inside = Der.elements(sequence.content, what)[nth];
  if (inside?.tag !== Der.OBJECT_IDENTIFIER) throw new BadInput(`${what}: no object identifier`);
  return dotted(inside.content);
};

function time(element: Der.Tlv, what: string): number {
  const text = String.fromCharCode(...element.content);
  const parts = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!parts) throw new BadInput(`${what}: time "${text}", expected YYMMDDHHMMSSZ`);
  const short = Number(parts[1]);
  // RFC 5280, 4.1.2.5.1: two digits below 50 are 20xx.
  const year = parts[1]!.length === 4 ? short : short < 50 ? 2000 + short : 1900 + short;
  const [month, day, hour, minute, second] = parts.slice(2).map(Number);
  return Date.UTC(year, month! - 1, day!, hour!, minute!, second!);
}

/** One X.509 certificate with an ECDSA key and signature. RFC 5280, 4.1. */
export function certificateOf(der: Uint8Array, what: string): Certificate {
  const [tbs, algorithm, signature] = Der.elements(
    Der.expectTag(der, Der.SEQUENCE, what).content,
    what,
  );
  if (!tbs || !algorithm || signature?.tag !== Der.BIT_STRING) {
    throw new BadInput(`${what}: not a certificate of three parts`);
  }
  const fields = Der.elements(tbs.content, what);
  const [version, serial, , issuer, validity, subject, key] = fields;
  if (version?.tag !== Der.CONTEXT_0 || !serial || !issuer || !validity || !subject || !key) {
    throw new BadInput(`${what}: not an X.509 version 3 certificate`);
  }
  const [notBefore, notAfter] = Der.elements(validity.content, what);
  if (!notBefore || !notAfter) throw new BadInput(`${what}: no validity`);
  const { curve, publicKey } = keyOf(key, what);
  const signed = oidIn(algorithm, 0, what);
  if (signed !== ECDSA_WITH_SHA256 && signed !== ECDSA_WITH_SHA384) {
    throw new BadInput(
      `${what}: signature algorithm ${signed}, expected ECDSA with SHA-256 or 384`,
    );
  }
  return {
    der,
    tbs: tbs.whole,
    issuer: issuer.whole,
    subject: subject.whole,
    notBefore: time(notBefore, what),
    notAfter: time(notAfter, what),
    curve,
    publicKey,
    signatureHash: signed === ECDSA_WITH_SHA384 ? SHA384 : SHA256,
    signature: signature.content.subarray(1),
    extensions: extensionsOf(
      fields.find((each) => each.tag === Der.CONTEXT_3),
      what,
    ),
  };
}

function keyOf(key: Der.Tlv, what: string): { curve: keyof Curves; publicKey: Uint8Array } {
  const [algorithm, point] = Der.elements(key.content, what);
  if (!algorithm || point?.tag !== Der.BIT_STRING) throw new BadInput(`${what}: no public key`);
  const named = oidIn(algorithm, 0, what) === EC_PUBLIC_KEY && oidIn(algorithm, 1, what);
  if (named !== PRIME256V1 && named !== SECP384R1) {
    throw new BadInput(`${what}: public key ${named || "not elliptic"}, expected P-256 or P-384`);
  }
  if (point.content[1] !== 4)
    throw new BadInput(`${what}: public key is not an uncompressed point`);
  return { curve: named === SECP384R1 ? "p384" : "p256", publicKey: point.content.subarray(2) };
}

function extensionsOf(field: Der.Tlv | undefined, what: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (!field) return found;
  for (const each of Der.elements(Der.read(field.content, what).content, what)) {
    const value = Der.elements(each.content, what).at(-1);
    if (value) found.set(oidIn(each, 0, what), value.content);
  }
  return found;
}

/** r and s of a DER signature, fixed width and joined; undefined when they do not fit. */
function fixedWidth(signature: Uint8Array, bytes: number): Uint8Array | undefined {
  const whole = new Uint8Array(2 * bytes);
  const numbers = Der.elements(Der.read(signature, "signature").content, "signature");
  if (numbers.length !== 2) return undefined;
  for (const [i, { content }] of numbers.entries()) {
    let digits = content;
    while (digits.length > 0 && digits[0] === 0) digits = digits.subarray(1);
    if (digits.length > bytes) return undefined;
    whole.set(digits, (i + 1) * bytes - digits.length);
  }
  return whole;
}

function isSignedBy(curves: Curves, each: Certificate, issuer: Certificate): boolean {
  const curve = curves[issuer.curve];
  const signature = fixedWidth(each.signature, curve.bytes);
  const digest = each.signatureHash.digest(each.tbs);
  return signature !== undefined && curve.verify(signature, digest, issuer.publicKey);
}

/** What a relying requester wants of a chain. */
export interface Trust {
  curves: Curves;
  hash: Hash;
  /** Undefined: a party without a calendar. */
  now: number | undefined;
  /** DER certificates believed without a signature. None: the chain is checked, its root is not. */
  roots: Uint8Array[];
}

/** Why a chain must not be believed; undefined when every check holds. RFC 5280, 6; DSP0274 10.7.1. */
export function chainFault(chain: Chain, trust: Trust): string | undefined {
  const [root] = chain.certificates;
  const leaf = chain.certificates.at(-1)!;
  for (const [i, each] of chain.certificates.entries()) {
    const { now } = trust;
    if (now !== undefined && (now < each.notBefore || now > each.notAfter)) {
      return `certificate ${i}: not valid now (${new Date(now).toISOString()})`;
    }
    const issuer = chain.certificates[i - 1];
    if (!issuer) continue;
    if (!equal(each.issuer, issuer.subject)) return `certificate ${i}: not issued by ${i - 1}`;
    if (!isCa(issuer)) return `certificate ${i - 1}: issues, but is no authority`;
    if (!isSignedBy(trust.curves, each, issuer)) return `certificate ${i}: signature is wrong`;
  }
  if (!equal(chain.rootHash, trust.hash.digest(root!.der))) return "root hash: not the first one's";
  if (trust.roots.length > 0 && !trust.roots.some((each) => equal(each, root!.der))) {
    return `root ${hex(chain.rootHash).slice(0, 16)}...: none of the roots given`;
  }
  return leafFault(leaf);
}

const isCa = (certificate: Certificate): boolean => {
  const value = certificate.extensions.get(BASIC_CONSTRAINTS);
  return value !== undefined && hex(value).includes("0101ff");
};

function leafFault(leaf: Certificate): string | undefined {
  const usage = leaf.extensions.get(KEY_USAGE);
  // digitalSignature is the first bit of the BIT STRING. RFC 5280, 4.2.1.3.
  if (usage && !(usage[3]! & 0x80)) return "leaf: key usage lacks digitalSignature";
  const extended = leaf.extensions.get(EXTENDED_KEY_USAGE);
  if (!extended) return undefined;
  const purposes = hex(extended);
  const requester = purposes.includes(hex(Der.oid(DMTF_REQUESTER_AUTH)));
  const responder = purposes.includes(hex(Der.oid(DMTF_RESPONDER_AUTH)));
  return requester && !responder ? "leaf: for requesters only" : undefined;
}
