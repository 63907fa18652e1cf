// The SPDM responder: admits a request by the table, answers it, and seals what belongs to a session. DSP0274 1.1 to 1.3.
import * as Spdm from "../abi/spdm.ts";
import {
  type Accepted,
  type Answer,
  errorMessage,
  INVALID,
  isRefusal,
  type Refusal,
  refuse,
  UNEXPECTED,
} from "../spdm/answer.ts";
import { wrapChain } from "../spdm/certificate.ts";
import { type Clock, type Curves, nobleCurves, type Prng } from "../spdm/crypto.ts";
import { has, measurementCapability, responderFlags } from "../spdm/flags.ts";
import { hexWord, le32 } from "../spdm/octets.ts";
import { sessionIdOf } from "../spdm/secured-message.ts";
import { type Purpose, sign } from "../spdm/signature.ts";
import type { Suite } from "../spdm/suite.ts";
import type { Tap } from "../spdm/tap.ts";
import { carriers, interrupt } from "../spdm/transcript.ts";
import { Chunks } from "./chunks.ts";
import { Connection } from "./connection.ts";
import { Faults } from "./fault.ts";
import { checkMeasurements, defaultMeasurements, type Measurement } from "./measurements.ts";
import { handlers } from "./request/index.ts";
import type { Session } from "./session.ts";
import { LEGAL, type Place, requests, verdict } from "./spdm-table.ts";

/** A slot's certificates, root first, and the leaf's key, for each curve it can sign with. */
export type Slot = Partial<
  Record<keyof Curves, { certificates: Uint8Array[]; secret: Uint8Array }>
>;

/** Answers one vendor-defined payload; undefined discards it. */
export type Protocol = (payload: Uint8Array, sessionId: number) => Uint8Array | undefined;

export interface SpdmOptions {
  prng: Prng;
  clock: Clock;
  /** Certificates and keys; a function is asked when they are needed first. */
  slots: Slot[] | (() => Slot[]);
  curves?: Curves;
  measurements?: Measurement[];
  versions?: number[];
  flags?: number;
  dataTransferSize?: number;
  maxMessageSize?: number;
  /** Seconds; 0 switches HEARTBEAT off. */
  heartbeatPeriod?: number;
  sessions?: number;
  faults?: Faults;
  /** By `protocolKey(standard, vendor)`. */
  protocols?: Map<string, Protocol>;
  onSessionEnd?: (sessionId: number) => void;
  /** Sees every message in the clear, as it was before sealing. */
  tap?: Tap;
}

export const protocolKey = (standard: number, vendor: number): string =>
  `${hexWord(standard, 4)}:${hexWord(vendor, 4)}`;

const VERSIONS = [Spdm.VERSION_1_1, Spdm.VERSION_1_2, Spdm.VERSION_1_3];

export class SpdmResponder {
  readonly prng: Prng;
  readonly clock: Clock;
  readonly curves: Curves;
  readonly #slots: Slot[] | (() => Slot[]);
  #made: Slot[] | undefined;
  readonly measurements: Measurement[];
  readonly versions: number[];
  readonly flags: number;
  readonly dataTransferSize: number;
  readonly maxMessageSize: number;
  readonly heartbeatPeriod: number;
  readonly faults: Faults;
  readonly protocols: Map<string, Protocol>;
  readonly sessions: Map<number, Session> = new Map();
  readonly #maxSessions: number;
  readonly #onSessionEnd: (sessionId: number) => void;
  readonly #tap: Tap;
  readonly #chains: Map<string, Uint8Array> = new Map();
  connection: Connection = new Connection();
  chunks: Chunks = new Chunks();
  /** The request a ResponseNotReady put off, and its token. */
  deferred: { request: Uint8Array; token: number; sessionId: number | undefined } | undefined;

  constructor(options: SpdmOptions) {
    this.prng = options.prng;
    this.clock = options.clock;
    this.curves = options.curves ?? nobleCurves;
    this.#slots = options.slots;
    this.measurements = checkMeasurements(options.measurements ?? defaultMeasurements());
    this.versions = options.versions ?? VERSIONS;
    this.flags = options.flags ?? responderFlags;
    this.dataTransferSize = options.dataTransferSize ?? 0x1200;
    this.maxMessageSize = options.maxMessageSize ?? 0x4000;
    this.heartbeatPeriod = options.heartbeatPeriod ?? 60;
    this.#maxSessions = options.sessions ?? 4;
    this.faults = options.faults ?? new Faults();
    this.protocols = options.protocols ?? new Map();
    this.#onSessionEnd = options.onSessionEnd ?? (() => {});
    this.#tap = options.tap ?? (() => {});
  }

  get slots(): Slot[] {
    this.#made ??= typeof this.#slots === "function" ? this.#slots() : this.#slots;
    return this.#made;
  }

  /** A message outside any session; undefined when it gets no answer. */
  clear(request: Uint8Array): Uint8Array | undefined {
    this.#expire();
    this.#tap("request", request, undefined);
    const answer = this.answer(request, undefined);
    if (!answer) return undefined;
    this.#tap("response", answer.response, undefined);
    answer.sealed?.();
    return answer.response;
  }

  /** A secured message; undefined when it gets no answer. */
  secured(record: Uint8Array): Uint8Array | undefined {
    this.#expire();
    const session = this.sessions.get(sessionIdOf(record) ?? 0);
    if (!session) return undefined;
    const request = session.open(record);
    if (request) this.#tap("request", request, session.id);
    const answer = request ? this.answer(request, session) : this.#decryptError(session);
    if (!answer || !this.sessions.has(session.id)) return undefined;
    this.#tap("response", answer.response, session.id);
    const response = session.seal(answer.response);
    if (this.faults.has("bad-record")) response[response.length - 1]! ^= 1;
    answer.sealed?.();
    if (session.isExhausted) this.end(session);
    return response;
  }

  /** Answers one whole message, in a session or outside; undefined discards it. */
  answer(request: Uint8Array, session: Session | undefined): Accepted | undefined {
    const code = request[Spdm.CODE] ?? 0;
    const refused = this.#refusal(request, session);
    if (session && !refused) session.lastHeard = this.clock.now();
    if (!refused && this.connection.isNegotiated) {
      interrupt(code, this.connection.transcript, session?.transcript);
    }
    const answer = refused ?? this.#respond(request, session);
    if (answer === undefined) return undefined;
    const fitting = isRefusal(answer) ? answer : this.#fit(answer, code, session);
    if (!isRefusal(fitting)) {
      fitting.commit?.();
      // Committed once: whoever wraps this answer (a chunk, a late answer) must not do it again.
      const { response, sealed } = fitting;
      return sealed ? { response, sealed } : { response };
    }
    if (this.connection.isNegotiated) (session ?? this.connection).transcript.clearL();
    return { response: errorMessage(this.#errorVersion(code), fitting) };
  }

  /** The next request of a session goes nowhere; its keys are gone, and whoever relied on it is told. */
  end(session: Session): void {
    if (!this.sessions.delete(session.id)) return;
    session.wipe();
    this.#onSessionEnd(session.id);
  }

  /** GET_VERSION, or a reset: nothing of the old connection stays. */
  reset(): void {
    for (const session of [...this.sessions.values()]) this.end(session);
    this.connection = new Connection();
    this.chunks = new Chunks();
    this.deferred = undefined;
  }

  /** A free RspSessionID, or undefined at the limit. DSP0274 leaves the choice to the responder. */
  freeSessionId(requesterId: number): number | undefined {
    for (let i = 0; i < this.#maxSessions; i++) {
      const responderId = 0xffff - i;
      const taken = [...this.sessions.keys()].some((id) => id >>> 16 === responderId);
      if (!taken) return (requesterId | (responderId << 16)) >>> 0;
    }
    return undefined;
  }

  /** The slot's chain as it travels, for the negotiated algorithms. */
  chain(slot: number): Uint8Array | undefined {
    const { asym, hash } = this.connection.suite;
    const kept = asym && this.slots[slot]?.[asym];
    if (!kept) return undefined;
    const name = `${slot} ${asym} ${hash.name}`;
    const chain = this.#chains.get(name) ?? wrapChain(hash, kept.certificates);
    this.#chains.set(name, chain);
    return chain;
  }

  /** One bit per slot that has a chain for the negotiated algorithms. */
  slotMask(): number {
    let mask = 0;
    for (let slot = 0; slot < Spdm.MAX_SLOTS; slot++) if (this.chain(slot)) mask |= 1 << slot;
    return mask;
  }

  sign(suite: Suite, purpose: Purpose, transcriptHash: Uint8Array, slot: number): Uint8Array {
    const signature = sign(suite, purpose, transcriptHash, this.slots[slot]![suite.asym!]!.secret);
    if (this.faults.has("bad-signature")) signature[signature.length - 1]! ^= 1;
    return signature;
  }

  /** Why the request may not be answered at all. The checks are in the order DMTF's responder has them. */
  #refusal(request: Uint8Array, session: Session | undefined): Refusal | undefined {
    if (request.length < Spdm.SIZE) return INVALID;
    const code = request[Spdm.CODE]!;
    const version = request[Spdm.VERSION]!;
    const place: Place = session?.place ?? this.connection.place;
    const stateFirst = code === Spdm.GET_CAPABILITIES || code === Spdm.NEGOTIATE_ALGORITHMS;
    if (code === Spdm.GET_VERSION) {
      if (session) return UNEXPECTED;
      return version === Spdm.VERSION_1_0 ? undefined : refuse(Spdm.VERSION_MISMATCH);
    }
    if (stateFirst && verdict(code, place, version) !== LEGAL) return UNEXPECTED;
    if (code === Spdm.GET_CAPABILITIES) {
      return this.versions.includes(version) ? undefined : refuse(Spdm.VERSION_MISMATCH);
    }
    if (version !== this.connection.version) return refuse(Spdm.VERSION_MISMATCH);
    if (!this.#isSupported(code)) return refuse(Spdm.UNSUPPORTED_REQUEST, code);
    const found = verdict(code, place, version);
    if (found !== LEGAL) return refuse(found);
    if (this.chunks.isSending && code !== Spdm.CHUNK_SEND) return UNEXPECTED;
    const injected = this.faults.errorFor(code);
    return injected?.refuse === Spdm.RESPONSE_NOT_READY
      ? this.defer(request, code, session)
      : injected;
  }

  /** ResponseNotReady: the request is kept until RESPOND_IF_READY asks for it. */
  defer(request: Uint8Array, code: number, session: Session | undefined): Refusal {
    const token = this.prng.bytes(1)[0]!;
    this.deferred = { request: request.slice(), token, sessionId: session?.id };
    // 2^1 microseconds, and up to twice as long.
    return refuse(Spdm.RESPONSE_NOT_READY, 0, Uint8Array.of(1, code, token, 1));
  }

  #isSupported(code: number): boolean {
    const row = requests[code];
    if (!row) return false;
    // Before GET_CAPABILITIES no flag is known and the state refuses.
    if (this.connection.place === "NOT_STARTED" || this.connection.place === "AFTER_VERSION") {
      return (row.own ?? row.both ?? []).every((position) => has(this.flags, position));
    }
    if (code === Spdm.GET_MEASUREMENTS && measurementCapability(this.flags) === 0) return false;
    if (this.connection.version < (row.since ?? 0)) return false;
    const both = row.both ?? [];
    const needed = [...(row.own ?? []), ...both];
    return (
      needed.every((position) => has(this.flags, position)) &&
      both.every((position) => has(this.connection.peer.flags, position))
    );
  }

  #respond(request: Uint8Array, session: Session | undefined): Answer {
    return handlers[request[Spdm.CODE]!]!(this, request, session);
  }

  /** Larger than the requester can take: in chunks if both can, else refused. DSP0274 10.26. */
  #fit(answer: Accepted, code: number, session: Session | undefined): Accepted | Refusal {
    const { peer, version, place } = this.connection;
    const bytes = answer.response.length;
    const limited = version >= Spdm.VERSION_1_2 && place !== "AFTER_VERSION" && peer.maxMessageSize;
    if (!limited || carriers.has(code) || bytes <= peer.dataTransferSize) return answer;
    const chunked = has(this.flags & peer.flags, Spdm.CHUNK_CAP_BIT);
    if (!chunked || bytes > peer.maxMessageSize) {
      return refuse(Spdm.RESPONSE_TOO_LARGE, 0, le32(bytes));
    }
    const error = refuse(
      Spdm.LARGE_RESPONSE,
      0,
      Uint8Array.of(this.chunks.keep(answer.response, session?.id)),
    );
    return { ...answer, response: errorMessage(version, error) };
  }

  #decryptError(session: Session): Accepted {
    const response = errorMessage(this.connection.version, refuse(Spdm.DECRYPT_ERROR));
    return { response, sealed: () => this.end(session) };
  }

  #errorVersion(code: number): number {
    return code === Spdm.GET_VERSION ? Spdm.VERSION_1_0 : this.connection.version;
  }

  /** A session with no message for twice its heartbeat period is over. DSP0274 10.16. */
  #expire(): void {
    const now = this.clock.now();
    for (const session of [...this.sessions.values()]) {
      const limit = session.heartbeatPeriod * 2000;
      if (limit > 0 && now - session.lastHeard > limit) this.end(session);
    }
  }
}
