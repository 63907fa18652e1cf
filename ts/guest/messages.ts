// The guest's end of the channel to the firmware: requests numbered and sealed, responses opened as strictly as Linux does.
// Linux drivers/virt/coco/sev-guest.
import * as Message from "../abi/message.ts";
import * as Header from "../abi/message-header.ts";
import { type MessageHead, seal, unseal } from "../guest-message.ts";
import type { Step } from "./cpu.ts";
import type { MessageKey } from "./message-key.ts";

/** What the road to the firmware answers. */
export interface Carried {
  /** `again`: the hypervisor is busy; `space`: the certificates need more pages. */
  readonly outcome: "ok" | "again" | "space" | "failed";
  /** The firmware's status, and the hypervisor's own error. */
  readonly firmware: number;
  readonly vmm: number;
  /** The response page; the host may have put anything in it. */
  readonly response: Uint8Array;
  /** Pages that the certificates need, and what lies in those given. */
  readonly pages: number;
  readonly certificates: Uint8Array;
}

/** Takes a request page to the firmware; with pages for certificates it is an extended request. */
export type Carry = (request: Uint8Array, certificatePages?: number) => Step<Carried>;

/** Linux's errno of a failure, by name. */
export type Errno = "EINVAL" | "ENOTTY" | "EIO" | "EBADMSG" | "ENOSPC" | "EAGAIN";

/** A message that failed. What may have used its number has wiped the key. */
export class MessageFailed extends Error {
  override name = "MessageFailed";
  readonly errno: Errno;
  /** As /dev/sev-guest's exitinfo2: the firmware's status below, the hypervisor's error above. */
  readonly exitInfo2: bigint;
  /** For ENOSPC: pages that the certificates need. */
  readonly pages: number;
  constructor(errno: Errno, says: string, carried?: Carried) {
    super(`${errno}: ${says}`);
    this.errno = errno;
    this.exitInfo2 = (BigInt(carried?.vmm ?? 0) << 32n) | BigInt(carried?.firmware ?? 0);
    this.pages = carried?.pages ?? 0;
  }
}

export interface Answer {
  /** The response's payload, STATUS at its front. */
  readonly payload: Uint8Array;
  /** The certificate table's pages; empty unless asked for. */
  readonly certificates: Uint8Array;
}

/** What a message says, and how much room there is for certificates. */
export interface Question {
  readonly type: number;
  readonly version: number;
  readonly payload: Uint8Array;
  readonly certificatePages?: number;
}

const HIGHEST_COUNT = (1n << 64n) - 1n;
// Linux waits up to a minute between tries; nothing waits here.
const TRIES = 64;

/** The channel under one VMPCK. One message at a time. */
export class GuestMessages {
  readonly #key: MessageKey;
  readonly #carry: Carry;
  readonly #note: (question: Question) => void;

  /** `note` is told each message that is sent. */
  constructor(key: MessageKey, carry: Carry, note: (question: Question) => void = () => {}) {
    this.#key = key;
    this.#carry = carry;
    this.#note = note;
  }

  /** Sends a message and opens its response. Throws MessageFailed. */
  *ask(question: Question): Step<Answer> {
    const { type, version, payload, certificatePages } = question;
    const key = yield* this.#key.key();
    if (!key) throw new MessageFailed("ENOTTY", `VMPCK${this.#key.vmpck} is wiped`);
    if (version === 0 || version > 255) throw new MessageFailed("EINVAL", `version ${version}`);
    const count = yield* this.#key.count();
    if (count > HIGHEST_COUNT - 2n) throw new MessageFailed("EIO", "no message numbers are left");
    const head = { seqno: count + 1n, type, version, vmpck: this.#key.vmpck };
    const request = seal(key, head, payload);
    this.#note(question);
    const carried = yield* this.#send(request, certificatePages);
    const opened = open(key, head, carried.response);
    if (!opened) {
      yield* this.#key.wipe();
      throw new MessageFailed("EBADMSG", "the response is not the firmware's", carried);
    }
    yield* this.#key.setCount(count + 2n);
    if (carried.outcome === "space") throw new MessageFailed("ENOSPC", "certificates", carried);
    return { payload: opened, certificates: carried.certificates };
  }

  /** Sends the same page until the hypervisor takes it; without room for certificates, then without asking for them. */
  *#send(request: Uint8Array, certificatePages: number | undefined): Step<Carried> {
    let carried = yield* this.#carry(request, certificatePages);
    for (let i = 0; carried.outcome === "again" && i < TRIES; i++) {
      carried = yield* this.#carry(request, certificatePages);
    }
    if (carried.outcome === "space" && certificatePages !== undefined) {
      // The firmware has not seen it: a plain request uses the number up, and the caller learns how many pages it takes.
      const plain = yield* this.#send(request, undefined);
      return { ...plain, outcome: "space", vmm: carried.vmm, pages: carried.pages };
    }
    if (carried.outcome === "ok") return carried;
    yield* this.#key.wipe();
    const [errno, says] =
      carried.outcome === "again" ? (["EAGAIN", "busy"] as const) : (["EIO", "refused"] as const);
    throw new MessageFailed(errno, says, carried);
  }
}

/** The payload of a response to this very request. Linux verify_and_dec_payload. */
function open(key: Uint8Array, asked: MessageHead, page: Uint8Array): Uint8Array | undefined {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const size = view.getUint16(Header.MSG_SIZE, true);
  const seqno = asked.seqno + 1n;
  const isAnswer =
    view.getBigUint64(Header.MSG_SEQNO, true) === seqno &&
    view.getUint8(Header.MSG_TYPE) === asked.type + 1 &&
    view.getUint8(Header.MSG_VERSION) === asked.version &&
    view.getUint8(Header.ALGO) === Message.AES_256_GCM &&
    view.getUint16(Header.HDR_SIZE, true) === Header.SIZE &&
    size <= Message.PAYLOAD_LIMIT;
  return isAnswer ? unseal(key, page, { seqno, size }) : undefined;
}
