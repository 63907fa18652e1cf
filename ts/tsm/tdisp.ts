// TDISP as the TSM speaks it: lock an interface, read its report, start it, stop it. TDISP 1.0, 11.3.

import * as Vendor from "../abi/spdm-vendor-defined.ts";
import * as Tdisp from "../abi/tdisp.ts";
import * as Caps from "../abi/tdisp-capabilities.ts";
import * as LockLayout from "../abi/tdisp-lock.ts";
import * as Range from "../abi/tdisp-mmio-range.ts";
import * as Report from "../abi/tdisp-report.ts";
import { type Exchange, PeerFault, PeerRefusal } from "../spdm/exchange.ts";
import { nameOf, tdispErrors, tdispName } from "../spdm/names.ts";
import { hex, hexWord, join, le16, putU16, putU64, u16, u32, u64 } from "../spdm/octets.ts";
import { tdispMessage } from "../spdm/tdisp-message.ts";
import { vendorDefined } from "./key-exchange.ts";
import type { RequesterSession } from "./session.ts";
import type { SpdmRequester } from "./spdm.ts";

const PORTION = 0x400;
const NOTHING = new Uint8Array(0);

export interface TdispCapabilities {
  requests: Uint8Array;
  lockFlags: number;
  addressWidth: number;
}

export interface LockRequest {
  flags?: number;
  streamId?: number;
  reportingOffset?: bigint;
}

export interface ReportedRange {
  firstPage: bigint;
  pages: number;
  attributes: number;
  rangeId: number;
}

export interface InterfaceReport {
  octets: Uint8Array;
  info: number;
  msiXMessageControl: number;
  ranges: ReportedRange[];
  deviceInfo: Uint8Array;
}

export class TdispRequester {
  readonly #requester: SpdmRequester;
  readonly #session: RequesterSession;
  /** Every nonce a LOCK brought: none may come again. */
  readonly #seen: Set<string> = new Set();

  constructor(requester: SpdmRequester, session: RequesterSession) {
    this.#requester = requester;
    this.#session = session;
  }

  *version(functionId: number): Exchange<number[]> {
    const answer = yield* this.#ask(functionId, Tdisp.GET_TDISP_VERSION, NOTHING, 1);
    const versions = [...answer.subarray(1, 1 + answer[0]!)];
    if (!versions.includes(Tdisp.VERSION_1_0)) {
      throw new PeerFault(
        `TDISP_VERSION: ${versions.map((each) => hexWord(each)).join(" ")}, expected 0x10`,
      );
    }
    return versions;
  }

  *capabilities(functionId: number): Exchange<TdispCapabilities> {
    const none = new Uint8Array(Tdisp.CAPABILITIES_BYTES);
    const answer = yield* this.#ask(functionId, Tdisp.GET_TDISP_CAPABILITIES, none, Caps.SIZE);
    return {
      requests: answer.slice(Caps.REQ_MSGS_SUPPORTED, Caps.LOCK_INTERFACE_FLAGS_SUPPORTED),
      lockFlags: u16(answer, Caps.LOCK_INTERFACE_FLAGS_SUPPORTED),
      addressWidth: answer[Caps.DEV_ADDR_WIDTH]!,
    };
  }

  *state(functionId: number): Exchange<number> {
    const answer = yield* this.#ask(functionId, Tdisp.GET_DEVICE_INTERFACE_STATE, NOTHING, 1);
    return answer[0]!;
  }

  /** Answers the nonce START_INTERFACE must bring. */
  *lock(functionId: number, request: LockRequest = {}): Exchange<Uint8Array> {
    const payload = new Uint8Array(LockLayout.SIZE);
    putU16(payload, LockLayout.FLAGS, request.flags ?? 0);
    payload[LockLayout.DEFAULT_STREAM_ID] = request.streamId ?? 0;
    putU64(payload, LockLayout.MMIO_REPORTING_OFFSET, request.reportingOffset ?? 0n);
    const type = Tdisp.LOCK_INTERFACE_REQUEST;
    const answer = yield* this.#ask(functionId, type, payload, Tdisp.NONCE_BYTES);
    const nonce = answer.slice(0, Tdisp.NONCE_BYTES);
    if (this.#seen.has(hex(nonce))) {
      throw new PeerFault(
        "LOCK_INTERFACE_RESPONSE: a nonce that was used before, expected a fresh one",
      );
    }
    this.#seen.add(hex(nonce));
    return nonce;
  }

  *report(functionId: number): Exchange<InterfaceReport> {
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (;;) {
      const asked = join(le16(offset), le16(PORTION));
      const answer = yield* this.#ask(functionId, Tdisp.GET_DEVICE_INTERFACE_REPORT, asked, 4);
      const portion = u16(answer, 0);
      if (portion === 0 || portion > PORTION || answer.length < 4 + portion) {
        throw new PeerFault(`DEVICE_INTERFACE_REPORT: portion of ${portion} bytes at ${offset}`);
      }
      parts.push(answer.slice(4, 4 + portion));
      offset += portion;
      if (u16(answer, 2) === 0) return interfaceReport(join(...parts));
      if (offset > 0xffff) throw new PeerFault("DEVICE_INTERFACE_REPORT: over 65535 bytes");
    }
  }

  *start(functionId: number, nonce: Uint8Array): Exchange<void> {
    yield* this.#ask(functionId, Tdisp.START_INTERFACE_REQUEST, nonce, 0);
  }

  *stop(functionId: number): Exchange<void> {
    yield* this.#ask(functionId, Tdisp.STOP_INTERFACE_REQUEST, NOTHING, 0);
  }

  *bindP2pStream(functionId: number, streamId: number): Exchange<void> {
    yield* this.#ask(functionId, Tdisp.BIND_P2P_STREAM_REQUEST, Uint8Array.of(streamId), 0);
  }

  *unbindP2pStream(functionId: number, streamId: number): Exchange<void> {
    yield* this.#ask(functionId, Tdisp.UNBIND_P2P_STREAM_REQUEST, Uint8Array.of(streamId), 0);
  }

  /** `range` as the report told it, with the attributes it is to have. */
  *setMmioAttribute(functionId: number, range: Uint8Array): Exchange<void> {
    yield* this.#ask(functionId, Tdisp.SET_MMIO_ATTRIBUTE_REQUEST, range, 0);
  }

  *#ask(functionId: number, type: number, body: Uint8Array, bytes: number): Exchange<Uint8Array> {
    const request = tdispMessage(type, functionId, body);
    const payload = join(Uint8Array.of(Vendor.PROTOCOL_TDISP), request);
    const { STANDARD_PCI_SIG: standard, VENDOR_PCI_SIG: vendor } = Vendor;
    const told = yield* vendorDefined(this.#requester, this.#session, standard, vendor, payload);
    const name = tdispName(type);
    const answer = told.subarray(1);
    if (told[0] !== Vendor.PROTOCOL_TDISP || answer.length < Tdisp.SIZE) {
      throw new PeerFault(`${name}: answered with ${told.length} bytes that are no TDISP message`);
    }
    if (u32(answer, Tdisp.FUNCTION_ID) !== functionId) {
      throw new PeerFault(`${name}: answer for ${hexWord(u32(answer, Tdisp.FUNCTION_ID), 8)}`);
    }
    const rest = answer.subarray(Tdisp.SIZE);
    const seen = answer[Tdisp.MESSAGE_TYPE]!;
    if (seen === Tdisp.TDISP_ERROR && rest.length >= Tdisp.ERROR_BYTES) {
      const code = u32(rest, 0);
      const data = u32(rest, 4);
      throw new PeerRefusal(`${name}: refused with ${nameOf(tdispErrors, code)}`, code, data);
    }
    if (seen !== (type & ~(1 << Tdisp.REQUEST_BIT)) || rest.length < bytes) {
      throw new PeerFault(`${name}: answered with ${tdispName(seen)} of ${rest.length} bytes`);
    }
    return rest;
  }
}

/** The report taken apart; refused when its counts do not make its size. */
export function interfaceReport(octets: Uint8Array): InterfaceReport {
  const count = octets.length < Report.SIZE + 4 ? -1 : u32(octets, Report.MMIO_RANGE_COUNT);
  const infoAt = Report.SIZE + count * Range.SIZE;
  const whole = count >= 0 && infoAt + 4 <= octets.length;
  if (!whole || infoAt + 4 + u32(octets, infoAt) !== octets.length) {
    throw new PeerFault(
      `device interface report: ${octets.length} bytes, not what its counts make`,
    );
  }
  const ranges = Array.from({ length: count }, (_, n) => {
    const at = Report.SIZE + n * Range.SIZE;
    return {
      firstPage: u64(octets, at + Range.FIRST_4K_PAGE),
      pages: u32(octets, at + Range.NUM_4K_PAGES),
      attributes: u16(octets, at + Range.ATTRIBUTES),
      rangeId: u16(octets, at + Range.RANGE_ID),
    };
  });
  return {
    octets,
    info: u16(octets, Report.INTERFACE_INFO),
    msiXMessageControl: u16(octets, Report.MSI_X_MESSAGE_CONTROL),
    ranges,
    deviceInfo: octets.slice(infoAt + 4),
  };
}
