// A TLP under selective IDE: sealed at one partner port, opened at the other. PCIe 6.33.5; an abstract model of its bits.
import { aeads } from "../spdm/crypto.ts";
import { iv } from "../spdm/ide-key.ts";
import { equal, join } from "../spdm/octets.ts";
import type { IdeStream } from "./ide.ts";

// IDE keeps 96 bits of the GCM tag.
const MAC_BYTES = 12;
const AES_256_GCM = aeads[0]![1];

export interface IdeTlp {
  streamId: number;
  subStream: number;
  /** The T bit: it comes from inside a TEE. */
  tee: boolean;
  /** Authenticated, not encrypted. */
  header: Uint8Array;
  sealed: Uint8Array;
  mac: Uint8Array;
}

const authenticated = (
  tlp: Pick<IdeTlp, "streamId" | "subStream" | "tee" | "header">,
): Uint8Array => join(Uint8Array.of(tlp.streamId, tlp.subStream, tlp.tee ? 1 : 0), tlp.header);

/** Undefined while the stream is not Secure: such a TLP may not leave under it. */
export function sealTlp(
  stream: IdeStream,
  tlp: { subStream: number; tee: boolean; header: Uint8Array },
  payload: Uint8Array,
): IdeTlp | undefined {
  const key = stream.isSecure ? stream.keyOf(tlp.subStream, true) : undefined;
  if (!key) return undefined;
  const head = { ...tlp, streamId: stream.id };
  const nonce = iv(tlp.subStream, key.invocation++);
  const whole = AES_256_GCM.seal(key.key, nonce, authenticated(head), payload);
  const mac = whole.slice(payload.length, payload.length + MAC_BYTES);
  return { ...head, sealed: whole.slice(0, payload.length), mac };
}

/** The payload; undefined when the check fails, and then the stream is Insecure. */
export function openTlp(stream: IdeStream, tlp: IdeTlp): Uint8Array | undefined {
  const key = stream.isSecure ? stream.keyOf(tlp.subStream, false) : undefined;
  if (!key || tlp.streamId !== stream.id) return undefined;
  const nonce = iv(tlp.subStream, key.invocation++);
  const aad = authenticated(tlp);
  // GCM's cipher is its own inverse; the tag of the result tells whether it is the right one.
  const payload = AES_256_GCM.seal(key.key, nonce, aad, tlp.sealed).slice(0, tlp.sealed.length);
  const tag = AES_256_GCM.seal(key.key, nonce, aad, payload).slice(payload.length);
  if (equal(tag.subarray(0, MAC_BYTES), tlp.mac)) return payload;
  stream.fail();
  return undefined;
}
