// One SPDM session as the requester keeps it. DSP0274 10.12 to 10.17.
import * as Keys from "../spdm/key-schedule.ts";
import { open, seal } from "../spdm/secured-message.ts";
import type { Suite } from "../spdm/suite.ts";
import { type SessionTranscript, Transcript } from "../spdm/transcript.ts";

export class RequesterSession {
  readonly id: number;
  readonly heartbeatPeriod: number;
  readonly th: SessionTranscript;
  readonly transcript: Transcript;
  readonly #suite: Suite;
  readonly #secret: Uint8Array;
  #keys: Keys.Secrets;
  isOpen = true;

  constructor(parts: {
    id: number;
    suite: Suite;
    a: Uint8Array;
    th: SessionTranscript;
    dheSecret: Uint8Array;
    heartbeatPeriod: number;
  }) {
    this.id = parts.id;
    this.th = parts.th;
    this.heartbeatPeriod = parts.heartbeatPeriod;
    this.transcript = new Transcript(parts.suite, parts.a);
    this.#suite = parts.suite;
    this.#secret = Keys.handshakeSecret(parts.suite, parts.dheSecret);
    this.#keys = Keys.handshakeSecrets(parts.suite, this.#secret, parts.th.digest());
  }

  verifyData(side: "request" | "response"): Uint8Array {
    const key = Keys.finishedKey(this.#suite, this.#keys[side]);
    return this.#suite.hash.hmac(key, this.th.digest());
  }

  establish(): void {
    const master = Keys.masterSecret(this.#suite, this.#secret);
    const keys = Keys.dataSecrets(this.#suite, master, this.th.digest());
    Keys.wipe(this.#keys.request);
    Keys.wipe(this.#keys.response);
    this.#keys = keys;
  }

  update(side: "request" | "response"): void {
    this.#keys[side] = Keys.updated(this.#suite, this.#keys[side]);
  }

  seal(message: Uint8Array): Uint8Array {
    return seal(this.#suite, this.id, this.#keys.request, message);
  }

  open(record: Uint8Array): Uint8Array | undefined {
    return open(this.#suite, this.#keys.response, record);
  }

  close(): void {
    this.isOpen = false;
    Keys.wipe(this.#keys.request);
    Keys.wipe(this.#keys.response);
    this.#secret.fill(0);
  }
}
