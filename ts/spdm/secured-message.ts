// One secured message: a session id, a length, and the sealed SPDM message. DSP0277 1.2 over PCI DOE.
import { IV_BYTES, TAG_BYTES } from "./crypto.ts";
import type { Traffic } from "./key-schedule.ts";
import { join, le16, le32, u16, u32, view } from "./octets.ts";
import type { Suite } from "./suite.ts";

// On DOE the sequence number is implicit: no octet of it travels.
const SESSION_ID = 0;
const LENGTH = 4;
const HEADER_BYTES = 6;
const LAST_SEQUENCE = 2n ** 64n - 1n;

/** The session a record names, before anything is believed of it; undefined when it is too short. */
export function sessionIdOf(record: Uint8Array): number | undefined {
  return record.length < HEADER_BYTES ? undefined : u32(record, SESSION_ID);
}

/** True once this direction has no sequence number left: the session must end. */
export const isExhausted = (direction: Traffic): boolean => direction.sequence > LAST_SEQUENCE;

function nonce(direction: Traffic): Uint8Array {
  const mask = new Uint8Array(IV_BYTES);
  view(mask).setBigUint64(0, direction.sequence, true);
  return mask.map((octet, i) => octet ^ direction.iv[i]!);
}

/** Seals one message; the direction's sequence number moves on. */
export function seal(
  suite: Suite,
  sessionId: number,
  direction: Traffic,
  message: Uint8Array,
): Uint8Array {
  const plaintext = join(le16(message.length), message);
  const header = join(le32(sessionId), le16(plaintext.length + TAG_BYTES));
  const sealed = suite.aead!.seal(direction.key, nonce(direction), header, plaintext);
  direction.sequence++;
  return join(header, sealed);
}

/** Opens one record; undefined when any check fails. The sequence number moves on either way. */
export function open(suite: Suite, direction: Traffic, record: Uint8Array): Uint8Array | undefined {
  const iv = nonce(direction);
  direction.sequence++;
  const bytes = record.length < HEADER_BYTES ? 0 : u16(record, LENGTH);
  if (bytes < TAG_BYTES || bytes > record.length - HEADER_BYTES) return undefined;
  const header = record.subarray(0, HEADER_BYTES);
  const sealed = record.subarray(HEADER_BYTES, HEADER_BYTES + bytes);
  const plaintext = suite.aead!.open(direction.key, iv, header, sealed);
  if (!plaintext || plaintext.length < 2) return undefined;
  const length = u16(plaintext, 0);
  // What follows the message is random padding.
  return length > plaintext.length - 2 ? undefined : plaintext.subarray(2, 2 + length);
}
