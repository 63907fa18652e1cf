// The transcripts a signature or a key depends on, kept as running hashes so that none can grow. DSP0274 15 and 12.
import * as Spdm from "../abi/spdm.ts";
import type { Running } from "./crypto.ts";
import { join } from "./octets.ts";
import type { Suite } from "./suite.ts";

/** A (VCA), and M1 and L1 as far as they have come on this connection. */
export class Transcript {
  readonly a: Uint8Array;
  readonly #suite: Suite;
  #m1: Running;
  #l1: Running;
  #challenged = false;

  constructor(suite: Suite, a: Uint8Array) {
    this.#suite = suite;
    this.a = a;
    this.#m1 = this.#afterA();
    this.#l1 = this.#beginL();
  }

  /** GET_DIGESTS begins B anew; what follows is appended. */
  digests(request: Uint8Array, response: Uint8Array): void {
    this.#m1 = this.#afterA().update(request).update(response);
  }

  certificate(request: Uint8Array, response: Uint8Array): void {
    this.#m1.update(request).update(response);
  }

  clearB(): void {
    this.#m1 = this.#afterA();
  }

  /** Requests that come before the first successful CHALLENGE empty B; afterwards they do not. */
  interrupt(): void {
    if (!this.#challenged) this.clearB();
  }

  /** M1 for a CHALLENGE and its response up to the signature. */
  challenge(request: Uint8Array, response: Uint8Array): Uint8Array {
    return this.#m1.clone().update(request).update(response).digest();
  }

  challenged(): void {
    this.#challenged = true;
    this.clearB();
  }

  measurements(request: Uint8Array, response: Uint8Array): void {
    this.#l1.update(request).update(response);
  }

  /** L1 for a GET_MEASUREMENTS and its response up to the signature. */
  signedMeasurements(request: Uint8Array, response: Uint8Array): Uint8Array {
    return this.#l1.clone().update(request).update(response).digest();
  }

  clearL(): void {
    this.#l1 = this.#beginL();
  }

  #afterA(): Running {
    return this.#suite.hash.start().update(this.a);
  }

  // Before 1.2, L1 begins without A. DSP0274 1.1, 10.11.2.
  #beginL(): Running {
    return this.#suite.version >= Spdm.VERSION_1_2 ? this.#afterA() : this.#suite.hash.start();
  }
}

/** The hash a session's keys hang on: A, the chain's hash, then every handshake message in order. */
export class SessionTranscript {
  readonly #th: Running;

  constructor(suite: Suite, a: Uint8Array, chainHash: Uint8Array) {
    this.#th = suite.hash.start().update(a).update(chainHash);
  }

  append(...parts: Uint8Array[]): this {
    this.#th.update(join(...parts));
    return this;
  }

  digest(): Uint8Array {
    return this.#th.clone().digest();
  }
}

const interruptsB = new Set([
  Spdm.KEY_EXCHANGE,
  Spdm.GET_MEASUREMENTS,
  Spdm.FINISH,
  Spdm.KEY_UPDATE,
  Spdm.HEARTBEAT,
  Spdm.END_SESSION,
]);

/** These carry or fetch another message: they are not that message, and touch no transcript. */
export const carriers: Set<number> = new Set([
  Spdm.CHUNK_SEND,
  Spdm.CHUNK_GET,
  Spdm.RESPOND_IF_READY,
]);

/** What a legal request does to the transcripts before it is answered, on both sides alike. */
export function interrupt(code: number, connection: Transcript, session?: Transcript): void {
  if (carriers.has(code)) return;
  if (interruptsB.has(code)) connection.interrupt();
  if (code === Spdm.GET_MEASUREMENTS) return;
  // A vendor's message inside a session leaves that session's L alone, as in DMTF's responder.
  const own = session && code !== Spdm.VENDOR_DEFINED_REQUEST;
  (own ? session : connection).clearL();
}
