// The TDISP responder (DSM): which message is legal in which state, and what LOCK asks of the device. TDISP 1.0, 11.3.

import * as Tdisp from "../abi/tdisp.ts";
import * as Caps from "../abi/tdisp-capabilities.ts";
import * as LockLayout from "../abi/tdisp-lock.ts";
import * as Range from "../abi/tdisp-mmio-range.ts";
import * as Report from "../abi/tdisp-report.ts";
import type { IdeStream } from "../pcie/ide.ts";
import type { Prng } from "../spdm/crypto.ts";
import { bit, equal, join, le16, le32, putU16, u16, u32, u64 } from "../spdm/octets.ts";
import type { Faults } from "./fault.ts";
import { streamOf } from "./ide.ts";
import type { Tdi } from "./tdi.ts";

export const LEGAL = 0;
const OK = LEGAL;
const NO = Tdisp.INVALID_INTERFACE_STATE;

export interface TdispRow {
  name: string;
  /** Payload octets after the header. */
  bytes: number;
  /** LEGAL or the error, in CONFIG_UNLOCKED, CONFIG_LOCKED, RUN and ERROR. */
  at: [number, number, number, number];
  p2p?: true;
}

/** Every request, and where it is legal. */
// biome-ignore format: a table
export const tdispTable: Record<number, TdispRow> = {
  [Tdisp.GET_TDISP_VERSION]:           { name: "GET_TDISP_VERSION",           bytes: 0,                          at: [OK, OK, OK, OK] },
  [Tdisp.GET_TDISP_CAPABILITIES]:      { name: "GET_TDISP_CAPABILITIES",      bytes: Tdisp.CAPABILITIES_BYTES,   at: [OK, OK, OK, OK] },
  [Tdisp.LOCK_INTERFACE_REQUEST]:      { name: "LOCK_INTERFACE_REQUEST",      bytes: LockLayout.SIZE,            at: [OK, NO, NO, NO] },
  [Tdisp.GET_DEVICE_INTERFACE_REPORT]: { name: "GET_DEVICE_INTERFACE_REPORT", bytes: Tdisp.REPORT_REQUEST_BYTES, at: [NO, OK, OK, NO] },
  [Tdisp.GET_DEVICE_INTERFACE_STATE]:  { name: "GET_DEVICE_INTERFACE_STATE",  bytes: 0,                          at: [OK, OK, OK, OK] },
  [Tdisp.START_INTERFACE_REQUEST]:     { name: "START_INTERFACE_REQUEST",     bytes: Tdisp.NONCE_BYTES,          at: [NO, OK, NO, NO] },
  [Tdisp.STOP_INTERFACE_REQUEST]:      { name: "STOP_INTERFACE_REQUEST",      bytes: 0,                          at: [OK, OK, OK, OK] },
  [Tdisp.BIND_P2P_STREAM_REQUEST]:     { name: "BIND_P2P_STREAM_REQUEST",     bytes: Tdisp.P2P_BYTES,            at: [NO, NO, OK, NO], p2p: true },
  [Tdisp.UNBIND_P2P_STREAM_REQUEST]:   { name: "UNBIND_P2P_STREAM_REQUEST",   bytes: Tdisp.P2P_BYTES,            at: [NO, NO, OK, NO], p2p: true },
  [Tdisp.SET_MMIO_ATTRIBUTE_REQUEST]:  { name: "SET_MMIO_ATTRIBUTE_REQUEST",  bytes: Range.SIZE,                 at: [NO, NO, OK, NO], p2p: true },
};

/** The payload of a response, or the error code. */
type Outcome = Uint8Array | number;
type Handler = (tdi: Tdi, payload: Uint8Array, sessionId: number) => Outcome;

export interface TdispOptions {
  tdis: Tdi[];
  prng: Prng;
  faults: Faults;
  /** BIND_P2P_STREAM, UNBIND_P2P_STREAM and SET_MMIO_ATTRIBUTE are supported. */
  p2p: boolean;
}

const NOTHING = new Uint8Array(0);
const ADDRESS_WIDTH = 52;

export class TdispResponder {
  readonly tdis: Map<number, Tdi>;
  readonly #options: TdispOptions;
  #lastNonce: Uint8Array | undefined;

  // biome-ignore format: a table
  readonly #handlers: Record<number, Handler> = {
    [Tdisp.GET_TDISP_VERSION]:           () => Uint8Array.of(1, Tdisp.VERSION_1_0),
    [Tdisp.GET_TDISP_CAPABILITIES]:      () => this.#capabilities(),
    [Tdisp.LOCK_INTERFACE_REQUEST]:      (tdi, payload, sessionId) => this.#lock(tdi, payload, sessionId),
    [Tdisp.GET_DEVICE_INTERFACE_REPORT]: (tdi, payload) => report(tdi, payload),
    [Tdisp.GET_DEVICE_INTERFACE_STATE]:  (tdi) => Uint8Array.of(tdi.state),
    [Tdisp.START_INTERFACE_REQUEST]:     (tdi, payload) => start(tdi, payload),
    [Tdisp.STOP_INTERFACE_REQUEST]:      (tdi) => stop(tdi),
    [Tdisp.BIND_P2P_STREAM_REQUEST]:     (tdi, payload) => bind(tdi, payload[0]!),
    [Tdisp.UNBIND_P2P_STREAM_REQUEST]:   (tdi, payload) => unbind(tdi, payload[0]!),
    [Tdisp.SET_MMIO_ATTRIBUTE_REQUEST]:  (tdi, payload) => setAttribute(tdi, payload),
  };

  constructor(options: TdispOptions) {
    this.#options = options;
    this.tdis = new Map(options.tdis.map((tdi) => [tdi.functionId, tdi]));
  }

  /** Undefined: too short to say whom it is for. */
  receive(request: Uint8Array, sessionId: number): Uint8Array | undefined {
    if (request.length < Tdisp.SIZE) return undefined;
    const type = request[Tdisp.MESSAGE_TYPE]!;
    const outcome = this.#answer(request, type, sessionId);
    const refused = typeof outcome === "number";
    const head = request.slice(0, Tdisp.SIZE);
    head[Tdisp.VERSION] = Tdisp.VERSION_1_0;
    head[Tdisp.MESSAGE_TYPE] = refused ? Tdisp.TDISP_ERROR : type & ~(1 << Tdisp.REQUEST_BIT);
    head.fill(0, Tdisp.RESERVED_002, Tdisp.FUNCTION_ID);
    head.fill(0, Tdisp.RESERVED_008, Tdisp.SIZE);
    if (!refused) return join(head, outcome);
    const data = outcome === Tdisp.UNSUPPORTED_REQUEST ? type : 0;
    return join(head, le32(outcome), le32(data));
  }

  /** The checks are in the order DMTF's responder has them. */
  #answer(request: Uint8Array, type: number, sessionId: number): Outcome {
    const row = tdispTable[type];
    if (!row || (row.p2p && !this.#options.p2p)) return Tdisp.UNSUPPORTED_REQUEST;
    if (request.length !== Tdisp.SIZE + row.bytes) return Tdisp.INVALID_REQUEST;
    if (request[Tdisp.VERSION] !== Tdisp.VERSION_1_0) return Tdisp.VERSION_MISMATCH;
    const tdi = this.tdis.get(u32(request, Tdisp.FUNCTION_ID));
    if (!tdi) return Tdisp.INVALID_INTERFACE;
    const found = row.at[tdi.state]!;
    if (found !== LEGAL) return found;
    return this.#handlers[type]!(tdi, request.subarray(Tdisp.SIZE), sessionId);
  }

  /** LOCK flags this device can keep. */
  get #lockFlags(): number {
    const kept = [
      Tdisp.NO_FW_UPDATE_BIT,
      Tdisp.SYSTEM_CACHE_LINE_SIZE_BIT,
      Tdisp.LOCK_MSIX_BIT,
      Tdisp.ALL_REQUEST_REDIRECT_BIT,
      ...(this.#options.p2p ? [Tdisp.BIND_P2P_BIT] : []),
    ];
    return kept.reduce((flags, position) => flags | (1 << position), 0);
  }

  #capabilities(): Uint8Array {
    const payload = new Uint8Array(Caps.SIZE);
    for (const [type, row] of Object.entries(tdispTable)) {
      if (row.p2p && !this.#options.p2p) continue;
      const position = Number(type) & 0x7f;
      payload[Caps.REQ_MSGS_SUPPORTED + (position >> 3)]! |= 1 << (position & 7);
    }
    putU16(payload, Caps.LOCK_INTERFACE_FLAGS_SUPPORTED, this.#lockFlags);
    payload[Caps.DEV_ADDR_WIDTH] = ADDRESS_WIDTH;
    payload[Caps.NUM_REQ_THIS] = 1;
    payload[Caps.NUM_REQ_ALL] = 1;
    return payload;
  }

  #lock(tdi: Tdi, payload: Uint8Array, sessionId: number): Outcome {
    const flags = u16(payload, LockLayout.FLAGS);
    if (flags & ~this.#lockFlags) return Tdisp.INVALID_REQUEST;
    const stream = streamOf(tdi.port, payload[LockLayout.DEFAULT_STREAM_ID]!);
    if (!stream) return Tdisp.INVALID_REQUEST;
    const refused = lockFault(tdi, stream, sessionId);
    if (refused !== LEGAL) return refused;
    const stale = this.#options.faults.has("stale-nonce") ? this.#lastNonce : undefined;
    const nonce = stale?.slice() ?? this.#options.prng.bytes(Tdisp.NONCE_BYTES);
    if (nonce.length !== Tdisp.NONCE_BYTES) return Tdisp.INSUFFICIENT_ENTROPY;
    this.#lastNonce = nonce.slice();
    const reportingOffset = u64(payload, LockLayout.MMIO_REPORTING_OFFSET);
    tdi.enter({ flags, stream, reportingOffset, sessionId }, nonce);
    const answer = nonce.slice();
    if (this.#options.faults.has("tdi-error")) tdi.event("SECURITY_LOST");
    return answer;
  }
}

/** What LOCK_INTERFACE asks of the device before anything is frozen: LEGAL or the error. TDISP 11.3.8. */
function lockFault({ port }: Tdi, stream: IdeStream, sessionId: number): number {
  const defaults = port.streams.filter((each) => each.isDefault);
  if (defaults.length !== 1 || defaults[0] !== stream) return Tdisp.INVALID_REQUEST;
  if (stream.trafficClass !== 0) return Tdisp.INVALID_REQUEST;
  if (!stream.isKeyedBy(sessionId)) return Tdisp.INVALID_REQUEST;
  if (port.hasPhantomFunctions || !port.hasSupportedPageSize || barsOverlap(port)) {
    return Tdisp.INVALID_DEVICE_CONFIGURATION;
  }
  return LEGAL;
}

function barsOverlap(port: Tdi["port"]): boolean {
  const mapped = port.bars.flatMap((bar) => {
    const start = port.barAddress(bar.index);
    return start === undefined ? [] : [{ start, end: start + BigInt(bar.bytes) }];
  });
  for (const bar of port.vfBars) {
    const start = port.vfBarAddress(0, bar.index);
    if (start === undefined) continue;
    mapped.push({ start, end: start + BigInt(bar.bytes * port.enabledVfs) });
  }
  mapped.sort((a, b) => (a.start < b.start ? -1 : 1));
  return mapped.some((each, i) => i > 0 && each.start < mapped[i - 1]!.end);
}

function report(tdi: Tdi, payload: Uint8Array): Outcome {
  const whole = tdi.report();
  const offset = u16(payload, 0);
  const length = u16(payload, 2);
  if (length === 0 || offset >= whole.length) return Tdisp.INVALID_REQUEST;
  const portion = whole.subarray(offset, offset + length);
  const remainder = whole.length - offset - portion.length;
  return join(le16(portion.length), le16(remainder), portion);
}

function start(tdi: Tdi, nonce: Uint8Array): Outcome {
  if (!tdi.nonce || !equal(tdi.nonce, nonce)) return Tdisp.INVALID_NONCE;
  tdi.start();
  return NOTHING;
}

function stop(tdi: Tdi): Outcome {
  tdi.stop();
  return NOTHING;
}

function bind(tdi: Tdi, streamId: number): Outcome {
  const stream = streamOf(tdi.port, streamId);
  if (!bit(tdi.lock!.flags, Tdisp.BIND_P2P_BIT)) return Tdisp.INVALID_REQUEST;
  if (!stream?.isKeyedBy(tdi.lock!.sessionId)) return Tdisp.INVALID_REQUEST;
  if (tdi.boundStreams.has(streamId)) return Tdisp.INVALID_REQUEST;
  tdi.boundStreams.add(streamId);
  return NOTHING;
}

function unbind(tdi: Tdi, streamId: number): Outcome {
  return tdi.boundStreams.delete(streamId) ? NOTHING : Tdisp.INVALID_REQUEST;
}

/** Only IS_NON_TEE_MEM of a reported, updatable range may change. */
function setAttribute(tdi: Tdi, payload: Uint8Array): Outcome {
  const told = tdi.report();
  const count = u32(told, Report.MMIO_RANGE_COUNT);
  const attributes = u16(payload, Range.ATTRIBUTES);
  for (let n = 0; n < count && n < tdi.ranges.length; n++) {
    const at = Report.SIZE + n * Range.SIZE;
    const same =
      equal(told.subarray(at, at + Range.ATTRIBUTES), payload.subarray(0, Range.ATTRIBUTES)) &&
      u16(told, at + Range.RANGE_ID) === u16(payload, Range.RANGE_ID);
    if (!same) continue;
    const range = tdi.ranges[n]!;
    const changed = range.attributes ^ attributes;
    if (!bit(range.attributes, Range.IS_MEM_ATTR_UPDATABLE_BIT)) return Tdisp.INVALID_REQUEST;
    if (changed & ~(1 << Range.IS_NON_TEE_MEM_BIT)) return Tdisp.INVALID_REQUEST;
    range.attributes = attributes;
    return NOTHING;
  }
  return Tdisp.INVALID_REQUEST;
}
