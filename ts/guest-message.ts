// A guest message's envelope: AES-256-GCM by a VMPCK, the header authenticated, its number the IV. AMD 56860, 8.26.
import { gcm } from "@noble/ciphers/aes.js";
import * as Message from "./abi/message.ts";
import * as Header from "./abi/message-header.ts";
import { concat } from "./attest/bytes.ts";

/** What a header says beside constants. Versions and types: ts/abi/message.ts. */
export interface MessageHead {
  readonly seqno: bigint;
  readonly type: number;
  readonly version: number;
  /** 0 to 3: the key, and the VMPL it belongs to. */
  readonly vmpck: number;
}

const PAGE = 0x1000;
const TAG = 16;

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Everything from ALGO on is authenticated; MSG_SEQNO is the IV. */
function cipherOf(vmpck: Uint8Array, seqno: bigint, message: Uint8Array) {
  const iv = new Uint8Array(Message.IV_BYTES);
  viewOf(iv).setBigUint64(0, seqno, true);
  return gcm(vmpck, iv, message.subarray(Header.ALGO, Header.SIZE));
}

/** A 4 KiB page with a message in it. Guest and firmware seal alike. */
export function seal(vmpck: Uint8Array, head: MessageHead, payload: Uint8Array): Uint8Array {
  const page = new Uint8Array(PAGE);
  const view = viewOf(page);
  view.setBigUint64(Header.MSG_SEQNO, head.seqno, true);
  view.setUint8(Header.ALGO, Message.AES_256_GCM);
  view.setUint8(Header.HDR_VERSION, Message.HDR_VERSION_1);
  view.setUint16(Header.HDR_SIZE, Header.SIZE, true);
  view.setUint8(Header.MSG_TYPE, head.type);
  view.setUint8(Header.MSG_VERSION, head.version);
  view.setUint16(Header.MSG_SIZE, payload.length, true);
  view.setUint8(Header.MSG_VMPCK, head.vmpck);
  const sealed = cipherOf(vmpck, head.seqno, page).encrypt(payload);
  page.set(sealed.subarray(0, payload.length), Header.SIZE);
  page.set(sealed.subarray(payload.length), Header.AUTHTAG);
  return page;
}

/** The payload, or undefined when the tag does not fit it. */
export function unseal(
  vmpck: Uint8Array,
  message: Uint8Array,
  { seqno, size }: { seqno: bigint; size: number },
): Uint8Array | undefined {
  const sealed = concat(
    message.subarray(Header.SIZE, Header.SIZE + size),
    message.subarray(Header.AUTHTAG, Header.AUTHTAG + TAG),
  );
  try {
    return cipherOf(vmpck, seqno, message).decrypt(sealed);
  } catch {
    return undefined;
  }
}
