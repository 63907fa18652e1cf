// Which SPDM request is legal where: the responder's state machine as a table. DSP0274 10.2 and 10.12.
import * as Spdm from "../abi/spdm.ts";

/** Where a request meets the responder: the connection's phase, or the phase of the session it came in. */
export type Place =
  | "NOT_STARTED"
  | "AFTER_VERSION"
  | "AFTER_CAPABILITIES"
  | "NEGOTIATED"
  | "HANDSHAKE"
  | "ESTABLISHED";

export const places: Place[] = [
  "NOT_STARTED",
  "AFTER_VERSION",
  "AFTER_CAPABILITIES",
  "NEGOTIATED",
  "HANDSHAKE",
  "ESTABLISHED",
];

export const LEGAL = 0;
const OK = LEGAL;
const NO = Spdm.UNEXPECTED_REQUEST;
const SES = Spdm.SESSION_REQUIRED;

export interface Row {
  name: string;
  /** LEGAL or the ERROR code, in the order of `places`. */
  at: [number, number, number, number, number, number];
  /** Capability bits the responder must have, and those both sides must have. */
  own?: number[];
  both?: number[];
  /** The first SPDM version with this request. */
  since?: number;
}

const { CERT_CAP_BIT, CHAL_CAP_BIT, KEY_EX_CAP_BIT, HBEAT_CAP_BIT } = Spdm;
const { KEY_UPD_CAP_BIT, CHUNK_CAP_BIT, ENCRYPT_CAP_BIT, MAC_CAP_BIT } = Spdm;
const session = [KEY_EX_CAP_BIT, ENCRYPT_CAP_BIT, MAC_CAP_BIT];
const { VERSION_1_1: V1_1, VERSION_1_2: V1_2 } = Spdm;

// biome-ignore format: a table
export const requests: Record<number, Row> = {
  //                                                     not  ver  cap  neg  hand est
  [Spdm.GET_VERSION]:            { name: "GET_VERSION",            at: [OK, OK, OK, OK, NO, NO] },
  [Spdm.GET_CAPABILITIES]:       { name: "GET_CAPABILITIES",       at: [NO, OK, NO, NO, NO, NO] },
  [Spdm.NEGOTIATE_ALGORITHMS]:   { name: "NEGOTIATE_ALGORITHMS",   at: [NO, NO, OK, NO, NO, NO] },
  [Spdm.GET_DIGESTS]:            { name: "GET_DIGESTS",            at: [NO, NO, NO, OK, NO, OK], own: [CERT_CAP_BIT] },
  [Spdm.GET_CERTIFICATE]:        { name: "GET_CERTIFICATE",        at: [NO, NO, NO, OK, NO, OK], own: [CERT_CAP_BIT] },
  [Spdm.CHALLENGE]:              { name: "CHALLENGE",              at: [NO, NO, NO, OK, NO, NO], own: [CHAL_CAP_BIT] },
  [Spdm.GET_MEASUREMENTS]:       { name: "GET_MEASUREMENTS",       at: [NO, NO, NO, OK, NO, OK] },
  [Spdm.KEY_EXCHANGE]:           { name: "KEY_EXCHANGE",           at: [NO, NO, NO, OK, NO, NO], both: session, since: V1_1 },
  [Spdm.FINISH]:                 { name: "FINISH",                 at: [NO, NO, NO, SES, OK, NO], both: session, since: V1_1 },
  [Spdm.HEARTBEAT]:              { name: "HEARTBEAT",              at: [NO, NO, NO, SES, NO, OK], both: [HBEAT_CAP_BIT], since: V1_1 },
  [Spdm.KEY_UPDATE]:             { name: "KEY_UPDATE",             at: [NO, NO, NO, SES, NO, OK], both: [KEY_UPD_CAP_BIT], since: V1_1 },
  [Spdm.END_SESSION]:            { name: "END_SESSION",            at: [NO, NO, NO, SES, NO, OK], both: session, since: V1_1 },
  [Spdm.VENDOR_DEFINED_REQUEST]: { name: "VENDOR_DEFINED_REQUEST", at: [NO, NO, NO, OK, NO, OK] },
  [Spdm.CHUNK_SEND]:             { name: "CHUNK_SEND",             at: [NO, NO, NO, OK, OK, OK], both: [CHUNK_CAP_BIT], since: V1_2 },
  [Spdm.CHUNK_GET]:              { name: "CHUNK_GET",              at: [NO, NO, NO, OK, OK, OK], both: [CHUNK_CAP_BIT], since: V1_2 },
  [Spdm.RESPOND_IF_READY]:       { name: "RESPOND_IF_READY",       at: [NO, NO, NO, OK, OK, OK] },
};

/** The table's verdict: LEGAL or an ERROR code. Before 1.2 there was no SessionRequired. */
export function verdict(code: number, place: Place, version: number): number {
  const row = requests[code];
  if (!row) return Spdm.UNSUPPORTED_REQUEST;
  const found = row.at[places.indexOf(place)]!;
  return found === SES && version < Spdm.VERSION_1_2 ? Spdm.UNSPECIFIED : found;
}
