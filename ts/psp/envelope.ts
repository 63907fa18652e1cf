// A guest's message opened and answered: its header, its number and its seal, whatever it is about. SNP firmware ABI (AMD
// 56860), 8.26.
import * as Message from "../abi/message.ts";
import * as Header from "../abi/message-header.ts";
import * as Status from "../abi/status.ts";
import { type MessageHead, seal, unseal } from "../guest-message.ts";
import { isWellFormed, viewOf } from "../layout.ts";
import type { GuestContext } from "./guest.ts";

/** Which forms of a message there are. */
export interface Form {
  /** The highest MSG_VERSION; 1 is the lowest. */
  readonly versions: number;
  /** Whether a payload of a version may have so many bytes. */
  fits(bytes: number, version: number): boolean;
}

/** A message that is the guest's next. */
export interface Opened<Entry extends Form> {
  readonly head: MessageHead;
  readonly entry: Entry;
  readonly payload: Uint8Array;
}

const HIGHEST_COUNT = (1n << 64n) - 1n;

interface Head<Entry> extends MessageHead {
  readonly size: number;
  readonly entry: Entry;
}

/** A status when any field of the header is not what it must be. */
function headOf<Entry extends Form>(
  entries: ReadonlyMap<number, Entry>,
  message: Uint8Array,
): Head<Entry> | number {
  const view = viewOf(message);
  const type = view.getUint8(Header.MSG_TYPE);
  const version = view.getUint8(Header.MSG_VERSION);
  const size = view.getUint16(Header.MSG_SIZE, true);
  const vmpck = view.getUint8(Header.MSG_VMPCK);
  const entry = entries.get(type);
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
function requireSequence(guest: GuestContext, { vmpck, seqno }: MessageHead): number {
  const count = guest.messageCount[vmpck] as bigint;
  if (count > HIGHEST_COUNT - 2n) return Status.AEAD_OFLOW;
  return seqno === count + 1n ? Status.SUCCESS : Status.INVALID_PARAM;
}

/** Opens the message in a request page, or says by a status why it is none of the guest's next. Nothing has changed then. */
export function openMessage<Entry extends Form>(
  entries: ReadonlyMap<number, Entry>,
  guest: GuestContext,
  request: Uint8Array,
): Opened<Entry> | number {
  const head = headOf(entries, request);
  if (typeof head === "number") return head;
  const sequence = requireSequence(guest, head);
  if (sequence !== Status.SUCCESS) return sequence;
  const payload = unseal(guest.vmpck[head.vmpck] as Uint8Array, request, head);
  return payload ? { head, entry: head.entry, payload } : Status.BAD_MEASUREMENT;
}

/** The response page, counted in `guest`; a status when another message was answered meanwhile. */
export function sealAnswer(
  guest: GuestContext,
  { seqno, type, version, vmpck }: MessageHead,
  payload: Uint8Array,
): Uint8Array | number {
  const sequence = requireSequence(guest, { seqno, type, version, vmpck });
  if (sequence !== Status.SUCCESS) return sequence;
  const reply = { seqno: seqno + 1n, type: type + 1, version, vmpck };
  const response = seal(guest.vmpck[vmpck] as Uint8Array, reply, payload);
  guest.messageCount[vmpck] = reply.seqno;
  return response;
}
