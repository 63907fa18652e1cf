// Codes by the names their specifications give them, for messages and for the decoder.
import * as IdeKm from "../abi/ide-km.ts";
import * as Spdm from "../abi/spdm.ts";
import * as Tdisp from "../abi/tdisp.ts";
import { hexWord } from "./octets.ts";

type Table = Record<string, number>;

const pick = (table: object, names: string[]): Map<number, string> =>
  new Map(names.map((name) => [(table as Table)[name]!, name]));

// biome-ignore format: a list
export const spdmCodes: Map<number, string> = pick(Spdm, [
  "GET_DIGESTS", "GET_CERTIFICATE", "CHALLENGE", "GET_VERSION", "CHUNK_SEND", "CHUNK_GET", "GET_ENDPOINT_INFO",
  "GET_MEASUREMENTS", "GET_CAPABILITIES", "GET_SUPPORTED_EVENT_TYPES", "NEGOTIATE_ALGORITHMS", "KEY_EXCHANGE",
  "FINISH", "PSK_EXCHANGE", "PSK_FINISH", "HEARTBEAT", "KEY_UPDATE", "GET_ENCAPSULATED_REQUEST",
  "DELIVER_ENCAPSULATED_RESPONSE", "END_SESSION", "GET_CSR", "SET_CERTIFICATE", "GET_MEASUREMENT_EXTENSION_LOG",
  "SUBSCRIBE_EVENT_TYPES", "SEND_EVENT", "GET_KEY_PAIR_INFO", "SET_KEY_PAIR_INFO", "VENDOR_DEFINED_REQUEST",
  "RESPOND_IF_READY", "DIGESTS", "CERTIFICATE", "CHALLENGE_AUTH", "VERSION_RSP", "CHUNK_SEND_ACK", "CHUNK_RESPONSE",
  "MEASUREMENTS", "CAPABILITIES", "ALGORITHMS", "KEY_EXCHANGE_RSP", "FINISH_RSP", "HEARTBEAT_ACK", "KEY_UPDATE_ACK",
  "END_SESSION_ACK", "VENDOR_DEFINED_RESPONSE", "ERROR",
]);

// biome-ignore format: a list
export const spdmErrors: Map<number, string> = pick(Spdm, [
  "INVALID_REQUEST", "BUSY", "UNEXPECTED_REQUEST", "UNSPECIFIED", "DECRYPT_ERROR", "UNSUPPORTED_REQUEST",
  "REQUEST_IN_FLIGHT", "INVALID_RESPONSE_CODE", "SESSION_LIMIT_EXCEEDED", "SESSION_REQUIRED", "RESET_REQUIRED",
  "RESPONSE_TOO_LARGE", "REQUEST_TOO_LARGE", "LARGE_RESPONSE", "MESSAGE_LOST", "INVALID_POLICY", "VERSION_MISMATCH",
  "RESPONSE_NOT_READY", "REQUEST_RESYNCH", "OPERATION_FAILED", "NO_PENDING_REQUESTS", "VENDOR_DEFINED_ERROR",
]);

export const ideKmObjects: Map<number, string> = pick(IdeKm, [
  "QUERY",
  "QUERY_RESP",
  "KEY_PROG",
  "KP_ACK",
  "K_SET_GO",
  "K_SET_STOP",
  "K_GOSTOP_ACK",
]);

// biome-ignore format: a list
const tdispRequests: Map<number, string> = pick(Tdisp, [
  "GET_TDISP_VERSION", "GET_TDISP_CAPABILITIES", "LOCK_INTERFACE_REQUEST", "GET_DEVICE_INTERFACE_REPORT",
  "GET_DEVICE_INTERFACE_STATE", "START_INTERFACE_REQUEST", "STOP_INTERFACE_REQUEST", "BIND_P2P_STREAM_REQUEST",
  "UNBIND_P2P_STREAM_REQUEST", "SET_MMIO_ATTRIBUTE_REQUEST", "VDM_REQUEST", "TDISP_ERROR",
]);

export const tdispErrors: Map<number, string> = pick(Tdisp, [
  "INVALID_REQUEST",
  "BUSY",
  "INVALID_INTERFACE_STATE",
  "UNSPECIFIED",
  "UNSUPPORTED_REQUEST",
  "VERSION_MISMATCH",
  "INVALID_INTERFACE",
  "INVALID_NONCE",
  "INSUFFICIENT_ENTROPY",
  "INVALID_DEVICE_CONFIGURATION",
]);

export const nameOf = (names: Map<number, string>, value: number): string =>
  names.get(value) ?? hexWord(value);

/** A response is named after its request, as the specification does. */
export function tdispName(type: number): string {
  const known = tdispRequests.get(type);
  if (known) return known;
  const request = tdispRequests.get(type | (1 << Tdisp.REQUEST_BIT));
  if (!request) return hexWord(type);
  return request.startsWith("GET_") ? request.slice(4) : request.replace("_REQUEST", "_RESPONSE");
}
