// P-384 private keys as openssl writes them: SEC1 and PKCS #8, PEM or DER. RFC 5915, RFC 5958.
import { p384 } from "@noble/curves/nist.js";
import { equal } from "../../attest/bytes.ts";
import { isPem, pemBlocks } from "../../attest/certificate.ts";
import { Refusal } from "../../attest/code.ts";
import * as Der from "../../attest/der.ts";
import { BadInput } from "../../error.ts";

const SEC1 = "EC PRIVATE KEY";
const PKCS8 = "PRIVATE KEY";
const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const P384 = "1.3.132.0.34";
const BYTES = 48;
const PARAMETERS = 0xa0;
const PUBLIC_KEY = 0xa1;

/** A key of the P-384 curve. */
export interface PrivateKey {
  /** 48 bytes, big-endian. */
  readonly secret: Uint8Array;
  /** X and Y, 48 bytes each, big-endian. */
  readonly point: Uint8Array;
}

function requireCurve(oid: string): void {
  if (oid !== P384) throw new BadInput(`curve ${oid}, expected P-384 (${P384})`);
}

const within = (outer: Der.Value, tag: number, what: string) =>
  Der.single(outer.content, tag, what);

/** ECPrivateKey. RFC 5915, 3. */
function fromSec1(der: Uint8Array): PrivateKey {
  const [version, secret, ...tagged] = Der.valuesOf(
    Der.single(der, Der.SEQUENCE, "ECPrivateKey").content,
  );
  if (version === undefined || Der.smallIntegerOf(version, "version") !== 1) {
    throw new BadInput("ECPrivateKey: expected version 1");
  }
  const { content } = Der.requireTag(secret, Der.OCTET_STRING, "privateKey");
  const parameters = tagged.find(({ tag }) => tag === PARAMETERS);
  if (parameters) requireCurve(Der.oidOf(within(parameters, Der.OID, "parameters"), "parameters"));
  if (content.length !== BYTES || !p384.utils.isValidSecretKey(content)) {
    throw new BadInput(
      `private key: ${content.length} bytes, expected ${BYTES} below the order of P-384`,
    );
  }
  const point = p384.getPublicKey(content, false).subarray(1);
  const given = tagged.find(({ tag }) => tag === PUBLIC_KEY);
  if (given !== undefined) {
    const bits = Der.bitsOf(within(given, Der.BIT_STRING, "publicKey"), "publicKey");
    if (!equal(bits.subarray(1), point)) {
      throw new BadInput("private key: the public key beside it is another's");
    }
  }
  return { secret: Uint8Array.from(content), point };
}

/** OneAsymmetricKey around an ECPrivateKey. RFC 5958, 2. */
function fromPkcs8(der: Uint8Array): PrivateKey {
  const [, algorithm, key] = Der.valuesOf(Der.single(der, Der.SEQUENCE, "PrivateKeyInfo").content);
  const parts = Der.valuesOf(Der.requireTag(algorithm, Der.SEQUENCE, "algorithm").content);
  const [oid, curve] = parts.map((part) =>
    part.tag === Der.OID ? Der.oidOf(part, "algorithm") : "",
  );
  if (oid !== EC_PUBLIC_KEY) {
    throw new BadInput(`key algorithm ${oid}, expected an elliptic curve (${EC_PUBLIC_KEY})`);
  }
  requireCurve(curve ?? "none");
  return fromSec1(Der.requireTag(key, Der.OCTET_STRING, "privateKey").content);
}

/** In ECPrivateKey the second value is an OCTET STRING, in PrivateKeyInfo a SEQUENCE. */
function fromDer(der: Uint8Array): PrivateKey {
  const [, second] = Der.valuesOf(Der.single(der, Der.SEQUENCE, "private key").content);
  return second?.tag === Der.SEQUENCE ? fromPkcs8(der) : fromSec1(der);
}

function fromPem(text: string): PrivateKey {
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new BadInput("private key is encrypted, expected one without a passphrase");
  }
  const [sec1, pkcs8] = [SEC1, PKCS8].map((label) => pemBlocks(text, [label])[0]);
  if (sec1) return fromSec1(sec1);
  if (pkcs8) return fromPkcs8(pkcs8);
  throw new BadInput(`PEM without a block "${SEC1}" or "${PKCS8}"`);
}

/** Reads a private key. Throws BadInput, which says what was seen and expected. */
export function parsePrivateKey(bytes: Uint8Array): PrivateKey {
  try {
    return isPem(bytes) ? fromPem(new TextDecoder().decode(bytes)) : fromDer(bytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new BadInput(`private key: ${error.message}`);
  }
}
