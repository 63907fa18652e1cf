// One SPDM session as the responder keeps it: its keys, their updates and its own L1. DSP0274 10.12 to 10.17.
import * as Keys from "../spdm/key-schedule.ts";
import { isExhausted, open, seal } from "../spdm/secured-message.ts";
import type { Suite } from "../spdm/suite.ts";
import { type SessionTranscript, Transcript } from "../spdm/transcript.ts";

export class Session {
  readonly id: number;
  readonly suite: Suite;
  readonly heartbeatPeriod: number;
  readonly th: SessionTranscript;
  readonly transcript: Transcript;
  place: "HANDSHAKE" | "ESTABLISHED" = "HANDSHAKE";
  lastHeard: number;
  readonly #secret: Uint8Array;
  #keys: Keys.Secrets;
  /** The request keys before an update that VERIFY_NEW_KEY has not confirmed. */
  #backup: Keys.Traffic | undefined;

  constructor(parts: {
    id: number;
    suite: Suite;
    a: Uint8Array;
    th: SessionTranscript;
    dheSecret: Uint8Array;
    heartbeatPeriod: number;
    now: number;
  }) {
    this.id = parts.id;
    this.suite = parts.suite;
    this.th = parts.th;
    this.heartbeatPeriod = parts.heartbeatPeriod;
    this.lastHeard = parts.now;
    this.transcript = new Transcript(parts.suite, parts.a);
    this.#secret = Keys.handshakeSecret(parts.suite, parts.dheSecret);
    this.#keys = Keys.handshakeSecrets(parts.suite, this.#secret, parts.th.digest());
  }

  /** HMAC of the transcript so far under one side's finished key. */
  verifyData(side: "request" | "response"): Uint8Array {
    const key = Keys.finishedKey(this.suite, this.#keys[side]);
    return this.suite.hash.hmac(key, this.th.digest());
  }

  /** After FINISH_RSP: the data keys take over, both sequence numbers at 0. */
  establish(): void {
    const master = Keys.masterSecret(this.suite, this.#secret);
    const keys = Keys.dataSecrets(this.suite, master, this.th.digest());
    this.wipe();
    this.#keys = keys;
    this.place = "ESTABLISHED";
  }

  get isUpdating(): boolean {
    return this.#backup !== undefined;
  }

  updateRequestKey(): void {
    this.#backup = this.#keys.request;
    this.#keys.request = Keys.updated(this.suite, this.#keys.request);
  }

  updateResponseKey(): void {
    const old = this.#keys.response;
    this.#keys.response = Keys.updated(this.suite, old);
    Keys.wipe(old);
  }

  confirmUpdate(): void {
    if (this.#backup) Keys.wipe(this.#backup);
    this.#backup = undefined;
  }

  get isExhausted(): boolean {
    return isExhausted(this.#keys.request) || isExhausted(this.#keys.response);
  }

  seal(message: Uint8Array): Uint8Array {
    return seal(this.suite, this.id, this.#keys.response, message);
  }

  /** The message, or undefined. A requester that missed the ACK may still use the key before the update. */
  open(record: Uint8Array): Uint8Array | undefined {
    const message = open(this.suite, this.#keys.request, record);
    if (message || !this.#backup) return message;
    const older = open(this.suite, this.#backup, record);
    if (older) this.#keys.request = Keys.updated(this.suite, this.#backup);
    return older;
  }

  wipe(): void {
    Keys.wipe(this.#keys.request);
    Keys.wipe(this.#keys.response);
    this.confirmUpdate();
    this.#secret.fill(0);
  }
}
