// SEV-TIO's four messages as a guest sends them: what is asked, and what the firmware says to it. A draft: AMD's Linux series of
// 2025.
import * as Message from "../../abi/message.ts";
import * as ConfigRequest from "../../abi/message-mmio-config-req.ts";
import * as ConfigResponse from "../../abi/message-mmio-config-rsp.ts";
import * as ValidateRequest from "../../abi/message-mmio-validate-req.ts";
import * as ValidateResponse from "../../abi/message-mmio-validate-rsp.ts";
import * as SdteRequest from "../../abi/message-sdte-write-req.ts";
import * as SdteResponse from "../../abi/message-sdte-write-rsp.ts";
import * as InfoRequest from "../../abi/message-tdi-info-req.ts";
import * as InfoResponse from "../../abi/message-tdi-info-rsp.ts";
import * as Sdte from "../../abi/sdte.ts";
import { bitOf, bufferOf, type Layout, viewOf } from "../../layout.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { MessageKey } from "../message-key.ts";
import { type Answer, type Carried, GuestMessages } from "../messages.ts";
import type { SevGuest } from "../sev.ts";
import { type TioAsk, tioGuestRequest } from "./request.ts";

/** Shared pages: one each for request and response, more for evidence. */
export interface TioPages {
  request: bigint;
  response: bigint;
  evidence: { gpa: bigint; pages: bigint };
}

/** MSG_TDI_INFO_RSP. */
export interface TdiInfo {
  status: number;
  measured: boolean;
  fresh: boolean;
  lockFlags: number;
  certsDigest: Uint8Array;
  measDigest: Uint8Array;
  reportDigest: Uint8Array;
  reports: bigint;
}

/** An entry that makes a device's requests private. */
export interface DmaEntry {
  vmpl: number;
  read: boolean;
  write: boolean;
  /** From here on its requests are for shared memory; without one none are. A multiple of 2 MiB. */
  vTom?: bigint | undefined;
}

const PAGE = 0x1000;

export class TioMessages {
  readonly #cpu: Cpu;
  readonly #guest: SevGuest;
  readonly #key: MessageKey;
  readonly #pages: TioPages;

  constructor(cpu: Cpu, guest: SevGuest, key: MessageKey, pages: TioPages) {
    this.#cpu = cpu;
    this.#guest = guest;
    this.#key = key;
    this.#pages = pages;
  }

  /** The VMPL of the key that messages go under. */
  get vmpl(): number {
    return this.#key.vmpck;
  }

  /** MSG_TDI_INFO. With `wanted` the host gives evidence along, for which the device signs over the nonce. */
  *info(
    rid: number,
    wanted = 0n,
    nonce?: Uint8Array,
  ): Step<{ info: TdiInfo; evidence: Uint8Array }> {
    const { evidence } = this.#pages;
    if (nonce) yield* this.#cpu.write(evidence.gpa, nonce);
    const asked = { rid, param: wanted, evidence: wanted === 0n ? undefined : evidence };
    const request = bufferOf(InfoRequest, { GUEST_DEVICE_ID: rid });
    const answer = yield* this.#ask(Message.TDI_INFO_REQ, request, InfoResponse, asked);
    return { info: infoOf(answer.payload), evidence: answer.certificates };
  }

  /** MSG_MMIO_VALIDATE of pages from `gpa` on, which are the range's from page `offset` on. Answers the status. */
  *validate(
    rid: number,
    range: { id: number; offset: number; gpa: bigint; pages: number },
    validated: boolean,
    param: bigint,
  ): Step<number> {
    const request = bufferOf(ValidateRequest, {
      GUEST_DEVICE_ID: rid,
      SUBRANGE_BASE: range.gpa,
      SUBRANGE_PAGE_COUNT: range.pages,
      RANGE_OFFSET: range.offset,
      VALIDATE_FLAGS: Number(validated) << ValidateRequest.VALIDATED_BIT,
      RANGE_ID: range.id,
    });
    const type = Message.MMIO_VALIDATE_REQ;
    const { payload } = yield* this.#ask(type, request, ValidateResponse, { rid, param });
    return viewOf(payload).getUint16(ValidateResponse.STATUS, true);
  }

  /** MSG_MMIO_CONFIG: reads a range's attributes, or with `attributes` sets them. */
  *config(
    rid: number,
    id: number,
    attributes?: number,
  ): Step<{ status: number; attributes: number }> {
    const request = bufferOf(ConfigRequest, {
      GUEST_DEVICE_ID: rid,
      RANGE_ID: id,
      CONFIG_FLAGS: attributes ?? 0,
      WRITE: Number(attributes !== undefined) << ConfigRequest.WRITE_BIT,
    });
    const type = Message.MMIO_CONFIG_REQ;
    const { payload } = yield* this.#ask(type, request, ConfigResponse, { rid, param: 0n });
    const view = viewOf(payload);
    return {
      status: view.getUint16(ConfigResponse.STATUS, true),
      attributes: view.getUint16(ConfigResponse.CONFIG_FLAGS, true),
    };
  }

  /** MSG_SDTE_WRITE. Without an entry no request of the device is private from now on. Answers the status. */
  *sdte(rid: number, entry: DmaEntry | undefined): Step<number> {
    const SDTE = entry ? sdteOf(entry) : new Uint8Array(Sdte.SIZE);
    const request = bufferOf(SdteRequest, { GUEST_DEVICE_ID: rid, SDTE });
    const type = Message.SDTE_WRITE_REQ;
    const { payload } = yield* this.#ask(type, request, SdteResponse, { rid, param: 0n });
    return viewOf(payload).getUint16(SdteResponse.STATUS, true);
  }

  *#ask(type: number, payload: Uint8Array, response: Layout, asked: TioAsk): Step<Answer> {
    const messages = new GuestMessages(this.#key, (request) => this.#carry(request, asked));
    const answer = yield* messages.ask({ type, version: 1, payload });
    const full = new Uint8Array(Math.max(response.SIZE, answer.payload.length));
    full.set(answer.payload);
    return { ...answer, payload: full };
  }

  *#carry(request: Uint8Array, asked: TioAsk): Step<Carried> {
    const cpu = this.#cpu;
    yield* cpu.write(this.#pages.request, request);
    const told = yield* tioGuestRequest(cpu, this.#guest, this.#pages, asked);
    const response = new Uint8Array(PAGE);
    yield* cpu.read(this.#pages.response, response);
    const room = asked.evidence ? Number(asked.evidence.pages) : 0;
    const certificates = new Uint8Array(Math.min(Number(told.pages), room) * PAGE);
    if (asked.evidence && certificates.length > 0)
      yield* cpu.read(asked.evidence.gpa, certificates);
    // More room than it has the guest cannot give: that is a failure.
    const outcome = told.outcome === "space" ? "failed" : told.outcome;
    return { ...told, outcome, pages: Number(told.pages), response, certificates };
  }
}

function infoOf(payload: Uint8Array): TdiInfo {
  const view = viewOf(payload);
  const flags = view.getUint32(InfoResponse.MEAS_FLAGS, true);
  return {
    status: view.getUint16(InfoResponse.STATUS, true),
    measured: bitOf(flags, InfoResponse.MEAS_DIGEST_VALID_BIT),
    fresh: bitOf(flags, InfoResponse.MEAS_DIGEST_FRESH_BIT),
    lockFlags: view.getUint32(InfoResponse.TDISP_LOCK_FLAGS, true),
    certsDigest: payload.slice(InfoResponse.CERTS_DIGEST, InfoResponse.MEAS_DIGEST),
    measDigest: payload.slice(InfoResponse.MEAS_DIGEST, InfoResponse.REPORT_DIGEST),
    reportDigest: payload.slice(InfoResponse.REPORT_DIGEST, InfoResponse.REPORT_COUNTER),
    reports: view.getBigUint64(InfoResponse.REPORT_COUNTER, true),
  };
}

function sdteOf({ vmpl, read, write, vTom }: DmaEntry): Uint8Array {
  const bit = (on: boolean, position: number) => (on ? 1n << BigInt(position) : 0n);
  const above =
    vTom === undefined ? 0n : (vTom >> BigInt(Sdte.VTOM_ADDRESS_LSB)) << BigInt(Sdte.VTOM_LSB);
  return bufferOf(Sdte, {
    WORD_0: bit(true, Sdte.V_BIT) | bit(read, Sdte.IR_BIT) | bit(write, Sdte.IW_BIT),
    WORD_3: BigInt(vmpl) << BigInt(Sdte.VMPL_LSB),
    WORD_5: bit(vTom !== undefined, Sdte.VTOM_EN_BIT) | above,
  });
}
