// The channel between a guest and the firmware: one message each way, sealed and counted. SNP firmware ABI (AMD 56860), 8.26.
import * as Message from "../abi/message.ts";
import * as Header from "../abi/message-header.ts";
import * as Status from "../abi/status.ts";
import { type MessageHead, seal, unseal } from "../guest-message.ts";
import { isWellFormed, viewOf } from "../layout.ts";
import type { GuestContext } from "./guest.ts";
import { absorb, absorbNoMa } from "./request/absorb.ts";
import { cpuid } from "./request/cpuid.ts";
import type { MessageEntry, Scene } from "./request/entry.ts";
import { exportGuest } from "./request/export.ts";
import { importGuest } from "./request/import.ts";
import { key } from "./request/key.ts";
import { report } from "./request/report.ts";
import { tscInfo } from "./request/tsc-info.ts";
import { vmrk } from "./request/vmrk.ts";

const messages = new Map<number, MessageEntry>([
  [Message.CPUID_REQ, cpuid],
  [Message.KEY_REQ, key],
  [Message.REPORT_REQ, report],
  [Message.EXPORT_REQ, exportGuest],
  [Message.IMPORT_REQ, importGuest],
  [Message.ABSORB_REQ, absorb],
  [Message.VMRK_REQ, vmrk],
  [Message.ABSORB_NOMA_REQ, absorbNoMa],
  [Message.TSC_INFO_REQ, tscInfo],
]);

const HIGHEST_COUNT = (1n << 64n) - 1n;

interface Head extends MessageHead {
  readonly size: number;
  readonly entry: MessageEntry;
}

/** A status when any field of the header is not what it must be. */
function headOf(message: Uint8Array): Head | number {
  const view = viewOf(message);
  const type = view.getUint8(Header.MSG_TYPE);
  const version = view.getUint8(Header.MSG_VERSION);
  const size = view.getUint16(Header.MSG_SIZE, true);
  const vmpck = view.getUint8(Header.MSG_VMPCK);
  const entry = messages.get(type);
  const inOrder =
    isWellFormed(Header, view) &&
    view.getUint8(Header.ALGO) === Message.AES_256_GCM &&
    view.getUint8(Header.HDR_VERSION) === Message.HDR_VERSION_1 &&
    view.getUint16(Header.HDR_SIZE, true) === Header.SIZE &&
    vmpck <= 3 &&
    size <= Message.PAYLOAD_LIMIT;
  if (!inOrder || !entry || version < 1 || version > entry.versions) return Status.INVALID_PARAM;
  if (!entry.fits(size, version)) return Status.INVALID_PARAM;
  return { seqno: view.getBigUint64(Header.MSG_SEQNO, true), type, version, size, vmpck, entry };
}

/** The next request's number must be one above the count; its response takes one more. */
function requireSequence(guest: GuestContext, { vmpck, seqno }: Head): number {
  const count = guest.messageCount[vmpck] as bigint;
  if (count > HIGHEST_COUNT - 2n) return Status.AEAD_OFLOW;
  return seqno === count + 1n ? Status.SUCCESS : Status.INVALID_PARAM;
}

/**
 * Answers the message in a request page with a response page. A number is the command's status: then nothing has changed, no count.
 * What is wrong in the payload alone is said in the response, and counts.
 */
export function guestRequest(scene: Scene, request: Uint8Array): Uint8Array | number {
  const head = headOf(request);
  if (typeof head === "number") return head;
  const { guest } = scene;
  const sequence = requireSequence(guest, head);
  if (sequence !== Status.SUCCESS) return sequence;
  const vmpck = guest.vmpck[head.vmpck] as Uint8Array;
  const payload = unseal(vmpck, request, head);
  if (!payload) return Status.BAD_MEASUREMENT;
  const { version, vmpck: vmpl } = head;
  const asked = { ...scene, vmpl, version, payload, view: viewOf(payload) };
  const answered = head.entry.run(asked);
  const reply = { ...head, seqno: head.seqno + 1n, type: head.type + 1 };
  const response = seal(vmpck, reply, answered.payload);
  guest.messageCount[head.vmpck] = reply.seqno;
  answered.apply?.();
  return response;
}
