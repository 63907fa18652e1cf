// Revocation lists, as the ARK signs them. RFC 5280, 5.1.
import { hex } from "./bytes.ts";
import {
  type Extension,
  extensionsOf,
  isPem,
  type Name,
  nameOf,
  pemBlocks,
  type Signed,
  signedOf,
} from "./certificate.ts";
import { Refusal } from "./code.ts";
import * as Der from "./der.ts";

export interface Crl extends Signed {
  readonly issuer: Name;
  readonly issuerDer: Uint8Array;
  /** Milliseconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers in hexadecimal, without leading zeros. */
  readonly revoked: readonly string[];
  readonly extensions: readonly Extension[];
}

function serialOf(entry: Der.Value): string {
  const [serial, at] = Der.valuesOf(Der.requireTag(entry, Der.SEQUENCE, "revoked").content);
  Der.timeOf(at, "revocationDate");
  return hex(Der.integerOf(Der.requireTag(serial, Der.INTEGER, "revoked"), "revoked")).replace(
    /^0+(?=.)/,
    "",
  );
}

function read(bytes: Uint8Array): Crl {
  const der = isPem(bytes)
    ? pemBlocks(new TextDecoder().decode(bytes), ["X509 CRL", "CRL"])[0]
    : bytes;
  const { tbs, signature, parts } = signedOf(der ?? new Uint8Array(0), "revocation list");
  const [version, , issuer, thisUpdate, nextUpdate, ...rest] = parts;
  if (Der.smallIntegerOf(version as Der.Value, "version") !== 1) {
    throw new Refusal("CRL_MALFORMED", "version, expected 2");
  }
  const list = rest.find((part) => part.tag === Der.SEQUENCE);
  const wrapped = rest.find((part) => part.tag === 0xa0);
  const [extensions] = wrapped === undefined ? [] : Der.valuesOf(wrapped.content);
  return {
    tbs,
    signature,
    issuer: nameOf(Der.requireTag(issuer, Der.SEQUENCE, "issuer"), "issuer"),
    issuerDer: (issuer as Der.Value).whole,
    thisUpdate: Der.timeOf(thisUpdate, "thisUpdate"),
    nextUpdate: Der.timeOf(nextUpdate, "nextUpdate"),
    revoked: list === undefined ? [] : Der.valuesOf(list.content).map(serialOf),
    extensions: extensions === undefined ? [] : extensionsOf(extensions),
  };
}

/** A revocation list in DER or PEM. */
export function parseCrl(bytes: Uint8Array): Crl {
  try {
    return read(bytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal("CRL_MALFORMED", error.message);
  }
}
