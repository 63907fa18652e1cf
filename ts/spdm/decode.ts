// A message in words: its name, then its fields. For people; no program depends on these lines.

import * as IdeKm from "../abi/ide-km.ts";
import * as Spdm from "../abi/spdm.ts";
import * as Algorithms from "../abi/spdm-algorithms.ts";
import * as Capabilities from "../abi/spdm-capabilities.ts";
import * as Certificate from "../abi/spdm-certificate.ts";
import * as Chunk from "../abi/spdm-chunk.ts";
import * as Exchange from "../abi/spdm-key-exchange.ts";
import * as Measurements from "../abi/spdm-measurements.ts";
import * as Negotiate from "../abi/spdm-negotiate.ts";
import * as Vendor from "../abi/spdm-vendor-defined.ts";
import * as Version from "../abi/spdm-version.ts";
import * as Tdisp from "../abi/tdisp.ts";
import * as Lock from "../abi/tdisp-lock.ts";
import { ideKmObjects, nameOf, spdmCodes, spdmErrors, tdispErrors, tdispName } from "./names.ts";
import { hex, hexWord, u16, u32, u64 } from "./octets.ts";
import { isVendorDefined, vendorDefinedOf } from "./vendor-defined.ts";

type Fields = (octets: Uint8Array) => string[];

const u8At = (octets: Uint8Array, at: number): string => hexWord(octets[at] ?? 0);
const u16At = (octets: Uint8Array, at: number): string =>
  octets.length < at + 2 ? "missing" : hexWord(u16(octets, at), 4);
const u32At = (octets: Uint8Array, at: number): string =>
  octets.length < at + 4 ? "missing" : hexWord(u32(octets, at), 8);
const u64At = (octets: Uint8Array, at: number): string =>
  octets.length < at + 8 ? "missing" : `0x${u64(octets, at).toString(16)}`;
const some = (octets: Uint8Array): string =>
  octets.length > 16 ? `${hex(octets.subarray(0, 16))}... (${octets.length})` : hex(octets);

const sized: Fields = (m) => [
  `flags ${u32At(m, Capabilities.FLAGS)}`,
  ...(m.length >= Capabilities.SIZE
    ? [
        `transfer ${u32At(m, Capabilities.DATA_TRANSFER_SIZE)}`,
        `message ${u32At(m, Capabilities.MAX_SPDM_MSG_SIZE)}`,
      ]
    : []),
];
const param =
  (first: string, second?: string): Fields =>
  (m) => [
    `${first} ${u8At(m, Spdm.PARAM1)}`,
    ...(second ? [`${second} ${u8At(m, Spdm.PARAM2)}`] : []),
  ];
const chunk: Fields = (m) => [
  `last ${m[Spdm.PARAM1]! & 1}`,
  `handle ${u8At(m, Spdm.PARAM2)}`,
  `seq ${u16At(m, Chunk.CHUNK_SEQ_NO)}`,
  `size ${u32At(m, Chunk.CHUNK_SIZE)}`,
];

// biome-ignore format: a table
const fields: Record<number, Fields> = {
  [Spdm.VERSION_RSP]: (m) => Array.from({ length: m[Version.ENTRY_COUNT] ?? 0 }, (_, i) => u16At(m, Version.SIZE + Version.ENTRY_BYTES * i)),
  [Spdm.GET_CAPABILITIES]: sized,
  [Spdm.CAPABILITIES]: sized,
  [Spdm.NEGOTIATE_ALGORITHMS]: (m) => [`asym ${u32At(m, Negotiate.BASE_ASYM_ALGO)}`, `hash ${u32At(m, Negotiate.BASE_HASH_ALGO)}`],
  [Spdm.ALGORITHMS]: (m) => [`measurement ${u32At(m, Algorithms.MEASUREMENT_HASH_ALGO)}`, `asym ${u32At(m, Algorithms.BASE_ASYM_SEL)}`, `hash ${u32At(m, Algorithms.BASE_HASH_SEL)}`],
  [Spdm.DIGESTS]: param("supported", "slots"),
  [Spdm.GET_CERTIFICATE]: (m) => [`slot ${m[Spdm.PARAM1]}`, `offset ${u16At(m, Certificate.OFFSET)}`, `length ${u16At(m, Certificate.LENGTH)}`],
  [Spdm.CERTIFICATE]: (m) => [`slot ${m[Spdm.PARAM1]}`, `portion ${u16At(m, Certificate.PORTION_LENGTH)}`, `remainder ${u16At(m, Certificate.REMAINDER_LENGTH)}`],
  [Spdm.CHALLENGE]: param("slot", "summary"),
  [Spdm.CHALLENGE_AUTH]: param("slot", "slots"),
  [Spdm.GET_MEASUREMENTS]: param("attributes", "operation"),
  [Spdm.MEASUREMENTS]: (m) => [`total ${u8At(m, Spdm.PARAM1)}`, `blocks ${m[Measurements.NUMBER_OF_BLOCKS]}`, `bytes ${u16At(m, Measurements.MEASUREMENT_RECORD_LENGTH)}`],
  [Spdm.KEY_EXCHANGE]: (m) => [`summary ${u8At(m, Spdm.PARAM1)}`, `slot ${m[Spdm.PARAM2]}`, `session ${u16At(m, Exchange.SESSION_ID)}`],
  [Spdm.KEY_EXCHANGE_RSP]: (m) => [`heartbeat ${m[Spdm.PARAM1]}`, `session ${u16At(m, Exchange.SESSION_ID)}`, `mutual ${u8At(m, Exchange.MUT_AUTH_REQUESTED)}`],
  [Spdm.KEY_UPDATE]: param("operation", "tag"),
  [Spdm.KEY_UPDATE_ACK]: param("operation", "tag"),
  [Spdm.RESPOND_IF_READY]: param("code", "token"),
  [Spdm.CHUNK_SEND]: chunk,
  [Spdm.CHUNK_RESPONSE]: chunk,
  [Spdm.CHUNK_GET]: (m) => [`handle ${u8At(m, Spdm.PARAM2)}`, `seq ${u16At(m, Chunk.CHUNK_SEQ_NO)}`],
  [Spdm.CHUNK_SEND_ACK]: (m) => [`early error ${m[Spdm.PARAM1]}`, `handle ${u8At(m, Spdm.PARAM2)}`, `seq ${u16At(m, Chunk.CHUNK_SEQ_NO)}`],
  [Spdm.ERROR]: (m) => [nameOf(spdmErrors, m[Spdm.PARAM1]!), `data ${u8At(m, Spdm.PARAM2)}`, some(m.subarray(Spdm.SIZE))],
};

/** One line for one SPDM message in the clear. */
export function describe(message: Uint8Array, sessionId?: number): string {
  if (message.length < Spdm.SIZE) return `${message.length} bytes, no SPDM message`;
  const version = message[Spdm.VERSION]!;
  const code = message[Spdm.CODE]!;
  const words = [
    `SPDM ${version >> 4}.${version & 15}`,
    ...(sessionId === undefined ? [] : [`session ${hexWord(sessionId, 8)}`]),
    nameOf(spdmCodes, code),
    ...(isVendorDefined(message) ? vendor(message) : (fields[code]?.(message) ?? [])),
  ];
  return words.filter((word) => word !== "").join(", ");
}

function vendor(message: Uint8Array): string[] {
  const told = vendorDefinedOf(message);
  if (!told) return ["lengths do not add up"];
  const owner = `vendor ${hexWord(told.vendor, 4)}`;
  if (told.standard !== Vendor.STANDARD_PCI_SIG) return [owner, some(told.payload)];
  const rest = told.payload.subarray(1);
  if (told.vendor === Vendor.VENDOR_CXL) {
    const cxl = told.payload[0] === Vendor.PROTOCOL_CXL_TSP ? "CXL TSP" : "CXL IDE_KM";
    return [cxl, some(rest)];
  }
  if (told.vendor !== Vendor.VENDOR_PCI_SIG) return [owner, some(told.payload)];
  return told.payload[0] === Vendor.PROTOCOL_TDISP ? tdisp(rest) : ideKm(rest);
}

function ideKm(m: Uint8Array): string[] {
  const object = m[IdeKm.OBJECT_ID] ?? -1;
  const name = `IDE_KM ${nameOf(ideKmObjects, object)}`;
  if (object === IdeKm.QUERY) return [name, `port ${m[IdeKm.QUERY_PORT_INDEX]}`];
  if (object === IdeKm.QUERY_RESP) {
    return [name, `port ${m[IdeKm.QUERY_PORT_INDEX]}`, `of ${m[IdeKm.QUERY_MAX_PORT_INDEX]}`];
  }
  // A key is never told, not even to its owner's log.
  return [
    name,
    `stream ${m[IdeKm.STREAM_ID]}`,
    `lane ${u8At(m, IdeKm.KEY_SUB_STREAM)}`,
    `port ${m[IdeKm.PORT_INDEX]}`,
    ...(object === IdeKm.KP_ACK ? [`status ${m[IdeKm.STATUS]}`] : []),
  ];
}

// biome-ignore format: a table
const tdispFields: Record<number, Fields> = {
  [Tdisp.LOCK_INTERFACE_REQUEST]: (m) => [`flags ${u16At(m, Lock.FLAGS)}`, `stream ${m[Lock.DEFAULT_STREAM_ID]}`, `offset ${u64At(m, Lock.MMIO_REPORTING_OFFSET)}`],
  [Tdisp.GET_DEVICE_INTERFACE_REPORT]: (m) => [`offset ${u16At(m, 0)}`, `length ${u16At(m, 2)}`],
  [Tdisp.GET_DEVICE_INTERFACE_REPORT & 0x7f]: (m) => [`portion ${u16At(m, 0)}`, `remainder ${u16At(m, 2)}`],
  [Tdisp.GET_DEVICE_INTERFACE_STATE & 0x7f]: (m) => [["CONFIG_UNLOCKED", "CONFIG_LOCKED", "RUN", "ERROR"][m[0] ?? 4] ?? "?"],
  [Tdisp.TDISP_ERROR]: (m) => [m.length < 8 ? "?" : nameOf(tdispErrors, u32(m, 0)), `data ${u32At(m, 4)}`],
};

function tdisp(m: Uint8Array): string[] {
  if (m.length < Tdisp.SIZE) return ["TDISP", `${m.length} bytes`];
  const type = m[Tdisp.MESSAGE_TYPE]!;
  const about = tdispFields[type]?.(m.subarray(Tdisp.SIZE)) ?? [];
  return [`TDISP ${tdispName(type)}`, `function ${u32At(m, Tdisp.FUNCTION_ID)}`, ...about];
}
