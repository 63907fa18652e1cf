// AMD's own certificate form, `ask_ark.cert`: RSA keys, ASK before ARK, numbers little-endian. AMD 55766, B.
import * as Layout from "../abi/amd-certificate.ts";
import { equal, isZero, reversed } from "./bytes.ts";
import { Refusal } from "./code.ts";

export interface LegacyCertificate {
  readonly role: "ARK" | "ASK";
  readonly keyId: Uint8Array;
  readonly certifyingId: Uint8Array;
  readonly bits: 2048 | 4096;
  /** Big-endian, as X.509 has them. */
  readonly exponent: Uint8Array;
  readonly modulus: Uint8Array;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

const wrong = (what: string) => new Refusal("CERTIFICATE_MALFORMED", `ask_ark.cert: ${what}`);

const roles: Record<number, "ARK" | "ASK"> = {
  [Layout.USAGE_ARK]: "ARK",
  [Layout.USAGE_ASK]: "ASK",
};

function sizeOf(view: DataView, offset: number, what: string): 2048 | 4096 {
  const bits = view.getUint32(offset, true);
  if (bits !== 2048 && bits !== 4096) throw wrong(`${what} is ${bits}, expected 2048 or 4096`);
  return bits;
}

function parseOne(bytes: Uint8Array): { certificate: LegacyCertificate; size: number } {
  if (bytes.length < Layout.SIZE) throw wrong(`${bytes.length} bytes, expected ${Layout.SIZE}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(Layout.VERSION, true);
  if (version !== 1) throw wrong(`version ${version}, expected 1`);
  const usage = view.getUint32(Layout.KEY_USAGE, true);
  const role = roles[usage];
  if (role === undefined) throw wrong(`KEY_USAGE 0x${usage.toString(16)}, expected 0 or 0x13`);
  if (!isZero(bytes.subarray(Layout.RESERVED_28, Layout.PUB_EXP_SIZE))) {
    throw wrong("reserved bytes at 0x28 are not zero");
  }
  const exponentAt = Layout.SIZE;
  const modulusAt = exponentAt + sizeOf(view, Layout.PUB_EXP_SIZE, "PUB_EXP_SIZE") / 8;
  const bits = sizeOf(view, Layout.MODULUS_SIZE, "MODULUS_SIZE");
  const signatureAt = modulusAt + bits / 8;
  const size = signatureAt + bits / 8;
  if (bytes.length < size) throw wrong(`${bytes.length} bytes, expected ${size}`);
  const certificate: LegacyCertificate = {
    role,
    keyId: bytes.slice(Layout.KEY_ID, Layout.CERTIFYING_ID),
    certifyingId: bytes.slice(Layout.CERTIFYING_ID, Layout.KEY_USAGE),
    bits,
    exponent: reversed(bytes.subarray(exponentAt, modulusAt)),
    modulus: reversed(bytes.subarray(modulusAt, signatureAt)),
    signed: bytes.slice(0, signatureAt),
    signature: reversed(bytes.subarray(signatureAt, size)),
  };
  return { certificate, size };
}

/** Every certificate of an `ask_ark.cert`; an ASK in it must name the ARK beside it. */
export function parseLegacy(given: Uint8Array): LegacyCertificate[] {
  const bytes = Uint8Array.from(given);
  const certificates: LegacyCertificate[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { certificate, size } = parseOne(bytes.subarray(at));
    certificates.push(certificate);
    at += size;
  }
  const ark = certificates.find((one) => one.role === "ARK");
  for (const one of certificates) {
    if (ark !== undefined && !equal(one.certifyingId, ark.keyId)) {
      throw wrong(`the ${one.role}'s certifying id is not the ARK's key id`);
    }
  }
  return certificates;
}

/** X.509 begins with 0x30 and PEM with a letter; this form with its version, 1. */
export const isLegacy = (bytes: Uint8Array): boolean => bytes[0] === 1 && bytes[1] === 0;
