// The device's own certificate chains: root, intermediate and leaf, each marked as emulated. RFC 5280; DSP0274 10.7.1.
import { BadInput } from "../error.ts";
import {
  BASIC_CONSTRAINTS,
  certificateOf,
  EC_PUBLIC_KEY,
  ECDSA_WITH_SHA256,
  ECDSA_WITH_SHA384,
  KEY_USAGE,
  PRIME256V1,
  SECP384R1,
} from "../spdm/certificate.ts";
import { type Curve, type Curves, type Prng, SHA256, SHA384 } from "../spdm/crypto.ts";
import * as Der from "../spdm/der.ts";
import { equal, join } from "../spdm/octets.ts";
import type { Slot } from "./spdm.ts";

/** Non-critical, in every certificate Cloister makes: no silicon stands behind it. */
export const EMULATED = "2.25.230194563907168205437716840234586103172";
const DEVICE_INFO = "1.3.6.1.4.1.412.274.1";
const SUBJECT_ALT_NAME = "2.5.29.17";
const COMMON_NAME = "2.5.4.3";
// Fixed, so that one seed gives one chain.
const NOT_BEFORE = "240101000000Z";
const NOT_AFTER = "491231235959Z";

interface Party {
  name: string;
  secret: Uint8Array;
  publicKey: Uint8Array;
}

const algorithms: Record<keyof Curves, { curve: string; signature: string; hash: typeof SHA256 }> =
  {
    p256: { curve: PRIME256V1, signature: ECDSA_WITH_SHA256, hash: SHA256 },
    p384: { curve: SECP384R1, signature: ECDSA_WITH_SHA384, hash: SHA384 },
  };

const name = (common: string): Uint8Array =>
  Der.tlv(
    Der.SEQUENCE,
    Der.tlv(Der.SET, Der.tlv(Der.SEQUENCE, Der.oid(COMMON_NAME), Der.utf8(common))),
  );

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const TRUE = Der.tlv(Der.BOOLEAN, Uint8Array.of(0xff));

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? TRUE : new Uint8Array(0);
  return Der.tlv(Der.SEQUENCE, Der.oid(id), flag, Der.tlv(Der.OCTET_STRING, value));
}

function extensions(kind: "authority" | "leaf", serial: string): Uint8Array {
  const authority = kind === "authority";
  // keyCertSign and cRLSign, or digitalSignature: RFC 5280, 4.2.1.3.
  const usage = Der.tlv(
    Der.BIT_STRING,
    authority ? Uint8Array.of(1, 0x06) : Uint8Array.of(7, 0x80),
  );
  const info = Der.tlv(
    Der.CONTEXT_0,
    Der.oid(DEVICE_INFO),
    Der.tlv(Der.CONTEXT_0, Der.utf8(`Cloister:Emulated TDISP device:${serial}`)),
  );
  const list = [
    extension(BASIC_CONSTRAINTS, true, Der.tlv(Der.SEQUENCE, authority ? TRUE : new Uint8Array(0))),
    extension(KEY_USAGE, true, usage),
    extension(EMULATED, false, Der.utf8("emulated by Cloister")),
  ];
  if (!authority) list.push(extension(SUBJECT_ALT_NAME, false, Der.tlv(Der.SEQUENCE, info)));
  return Der.tlv(Der.CONTEXT_3, Der.tlv(Der.SEQUENCE, ...list));
}

interface Issue {
  curve: keyof Curves;
  issuer: Party;
  subject: Party;
  kind: "authority" | "leaf";
  serial: Uint8Array;
}

function issue(curves: Curves, { curve, issuer, subject, kind, serial }: Issue): Uint8Array {
  const used = algorithms[curve];
  const algorithm = Der.tlv(Der.SEQUENCE, Der.oid(used.signature));
  const key = Der.tlv(Der.SEQUENCE, Der.oid(EC_PUBLIC_KEY), Der.oid(used.curve));
  const time = (text: string) => Der.tlv(Der.UTC_TIME, ascii(text));
  const tbs = Der.tlv(
    Der.SEQUENCE,
    Der.tlv(Der.CONTEXT_0, Der.integer(Uint8Array.of(2))),
    Der.integer(serial),
    algorithm,
    name(issuer.name),
    Der.tlv(Der.SEQUENCE, time(NOT_BEFORE), time(NOT_AFTER)),
    name(subject.name),
    Der.tlv(Der.SEQUENCE, key, Der.bitString(join(Uint8Array.of(4), subject.publicKey))),
    extensions(kind, subject.name),
  );
  const { bytes, sign } = curves[curve];
  const signature = sign(used.hash.digest(tbs), issuer.secret);
  const numbers = [signature.subarray(0, bytes), signature.subarray(bytes)].map(Der.integer);
  const signed = Der.bitString(Der.tlv(Der.SEQUENCE, ...numbers));
  return Der.tlv(Der.SEQUENCE, tbs, algorithm, signed);
}

/** `count` slots, each with a leaf of its own under one root per curve. */
export function emulatedSlots(curves: Curves, prng: Prng, count: number): Slot[] {
  const slots: Slot[] = Array.from({ length: count }, () => ({}));
  for (const curve of ["p384", "p256"] as const) {
    const label = curves[curve].name;
    const root = party(curves[curve], prng, `Cloister emulated device root ${label}`);
    const middle = party(curves[curve], prng, `Cloister emulated device intermediate ${label}`);
    let number = 1;
    const certify = (issuer: Party, subject: Party, kind: Issue["kind"]) =>
      issue(curves, { curve, issuer, subject, kind, serial: Uint8Array.of(number++) });
    const above = [certify(root, root, "authority"), certify(root, middle, "authority")];
    for (const [i, slot] of slots.entries()) {
      const leaf = party(curves[curve], prng, `Cloister emulated device slot ${i} ${label}`);
      const certificates = [...above, certify(middle, leaf, "leaf")];
      slot[curve] = { certificates, secret: leaf.secret };
    }
  }
  return slots;
}

function party(curve: Curve, prng: Prng, commonName: string): Party {
  const secret = curve.secretKey(prng);
  return { name: commonName, secret, publicKey: curve.publicKey(secret) };
}

/** The private key in a SEC1 or PKCS#8 structure. */
export function privateKeyOf(der: Uint8Array, where: string): Uint8Array {
  const parts = Der.elements(Der.expectTag(der, Der.SEQUENCE, where).content, where);
  const key = parts.find((each) => each.tag === Der.OCTET_STRING);
  if (!key) throw new BadInput(`${where}: no private key in it`);
  // PKCS#8 wraps SEC1, whose key is the octet string itself.
  return key.content[0] === Der.SEQUENCE && key.content.length > 48
    ? privateKeyOf(key.content, where)
    : key.content;
}

/** A chain and a key given by file, which must belong together. */
export function givenChain(
  curves: Curves,
  certificates: Uint8Array[],
  key: Uint8Array,
  where: string,
): Slot {
  const leaf = certificateOf(certificates.at(-1)!, where);
  const secret = privateKeyOf(key, where);
  const { bytes, publicKey } = curves[leaf.curve];
  if (secret.length !== bytes) {
    throw new BadInput(`${where}: private key of ${secret.length} bytes, expected ${bytes}`);
  }
  if (!equal(publicKey(secret), leaf.publicKey)) {
    throw new BadInput(`${where}: the private key is not the leaf certificate's`);
  }
  return { [leaf.curve]: { certificates, secret } };
}
