// The SPDM requester: who the device is, what it measures, and a session with it. DSP0274 1.1 to 1.3.

import * as Spdm from "../abi/spdm.ts";
import * as Algorithms from "../abi/spdm-algorithms.ts";
import * as Capabilities from "../abi/spdm-capabilities.ts";
import * as CertificateLayout from "../abi/spdm-certificate.ts";
import * as Version from "../abi/spdm-version.ts";
import { message } from "../spdm/answer.ts";
import { type Chain, chainFault, chainOf } from "../spdm/certificate.ts";
import { type Clock, type Curves, nobleCurves, type Prng } from "../spdm/crypto.ts";
import { type Exchange, PeerFault } from "../spdm/exchange.ts";
import { has, requesterFlags } from "../spdm/flags.ts";
import { equal, hexWord, join, le16, le32, u16, u32 } from "../spdm/octets.ts";
import { type Purpose, verify } from "../spdm/signature.ts";
import { type Suite, suiteOf } from "../spdm/suite.ts";
import type { Tap } from "../spdm/tap.ts";
import { interrupt, Transcript } from "../spdm/transcript.ts";
import { ask, type Limits } from "./channel.ts";
import { discover } from "./doe.ts";
import { negotiation, type Offer } from "./offer.ts";
import type { RequesterSession } from "./session.ts";

export interface RequesterOptions {
  prng: Prng;
  /** None: whether certificates are valid now is not checked. */
  clock?: Clock;
  curves?: Curves;
  /** DER roots to believe. None: chains are checked, their root is not. */
  roots?: Uint8Array[];
  versions?: number[];
  flags?: number;
  dataTransferSize?: number;
  maxMessageSize?: number;
  offer?: Offer;
  /** Sees every message in the clear. */
  tap?: Tap;
}

const VERSIONS = [Spdm.VERSION_1_1, Spdm.VERSION_1_2, Spdm.VERSION_1_3];

export class SpdmRequester {
  readonly prng: Prng;
  readonly clock: Clock | undefined;
  readonly curves: Curves;
  readonly roots: Uint8Array[];
  readonly #options: RequesterOptions;
  readonly #flags: number;
  readonly #dataTransferSize: number;
  readonly #maxMessageSize: number;
  #limits: Limits;
  #suite: Suite | undefined;
  #transcript: Transcript | undefined;
  readonly #chains: Map<number, { octets: Uint8Array; chain: Chain }> = new Map();
  /** The responder's capability flags. */
  responderFlags = 0;

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.prng = options.prng;
    this.clock = options.clock;
    this.curves = options.curves ?? nobleCurves;
    this.roots = options.roots ?? [];
    this.#flags = options.flags ?? requesterFlags;
    this.#dataTransferSize = options.dataTransferSize ?? 0x1200;
    this.#maxMessageSize = options.maxMessageSize ?? 0x4000;
    this.#limits = this.#unlimited();
  }

  #unlimited(): Limits {
    const tap = this.#options.tap ?? (() => {});
    return { version: Spdm.VERSION_1_0, dataTransferSize: 0, maxMessageSize: 0, tap };
  }

  get version(): number {
    return this.#limits.version;
  }

  get suite(): Suite {
    if (!this.#suite) throw new PeerFault("no algorithms agreed: connect() comes first");
    return this.#suite;
  }

  get transcript(): Transcript {
    if (!this.#transcript) throw new PeerFault("no transcript: connect() comes first");
    return this.#transcript;
  }

  /** Sends one request; the transcripts see it as the responder's will. */
  *ask(request: Uint8Array, session?: RequesterSession): Exchange<Uint8Array> {
    if (this.#transcript) interrupt(request[Spdm.CODE]!, this.#transcript, session?.transcript);
    try {
      return yield* ask(this.#limits, request, session);
    } catch (error) {
      // An ERROR empties L on both sides.
      if (this.#transcript) (session ?? this).transcript.clearL();
      throw error;
    }
  }

  /** DOE discovery, then version, capabilities and algorithms. */
  *connect(): Exchange<void> {
    const types = yield* discover();
    for (const type of [1, 2]) {
      if (!types.includes(type)) throw new PeerFault(`DOE discovery: type ${type} is not offered`);
    }
    yield* this.negotiate();
  }

  /** GET_VERSION, GET_CAPABILITIES, NEGOTIATE_ALGORITHMS: all of A. */
  *negotiate(): Exchange<void> {
    this.#limits = this.#unlimited();
    this.#suite = undefined;
    this.#transcript = undefined;
    this.#chains.clear();
    const a: Uint8Array[] = [];
    const version = yield* this.#version(a);
    const responder = yield* this.#capabilities(version, a);
    this.#limits = { ...this.#limits, ...responder, maxMessageSize: this.#maxMessageSize };
    const request = negotiation(version, this.#options.offer);
    const answer = yield* this.ask(request);
    const response = answer.subarray(
      0,
      answer.length < Algorithms.SIZE ? 0 : u16(answer, Algorithms.LENGTH),
    );
    const suite = response.length >= Algorithms.SIZE ? suiteOf(response, this.curves) : undefined;
    if (!suite?.asym) throw new PeerFault("ALGORITHMS: selects no hash or signature of ours");
    a.push(request, response);
    this.#suite = suite;
    this.#transcript = new Transcript(suite, join(...a));
  }

  *#version(a: Uint8Array[]): Exchange<number> {
    const request = message(Spdm.VERSION_1_0, Spdm.GET_VERSION, 0, 0);
    const answer = yield* this.ask(request);
    const count = answer[Version.ENTRY_COUNT] ?? 0;
    const end = Version.SIZE + count * Version.ENTRY_BYTES;
    if (answer.length < end) throw new PeerFault("VERSION: shorter than its entry count");
    const response = answer.slice(0, end);
    const entry = (i: number) => u16(response, Version.SIZE + i * Version.ENTRY_BYTES);
    const theirs = Array.from({ length: count }, (_, i) => entry(i) >> Version.ENTRY_MINOR_LSB);
    const ours = this.#options.versions ?? VERSIONS;
    const common = ours.filter((each) => theirs.includes(each)).sort((x, y) => y - x)[0];
    if (common === undefined) {
      throw new PeerFault(
        `VERSION: ${theirs.map((each) => hexWord(each)).join(" ")}, none is ours`,
      );
    }
    a.push(request, response);
    return common;
  }

  *#capabilities(version: number, a: Uint8Array[]): Exchange<{ dataTransferSize: number }> {
    const sized = version >= Spdm.VERSION_1_2;
    const chunked = sized && has(this.#flags, Spdm.CHUNK_CAP_BIT);
    const flags = sized ? this.#flags : this.#flags & ((1 << Spdm.CHUNK_CAP_BIT) - 1);
    const largest = chunked ? this.#maxMessageSize : this.#dataTransferSize;
    const sizes = sized ? [le32(this.#dataTransferSize), le32(largest)] : [];
    const none = new Uint8Array(4);
    const request = message(version, Spdm.GET_CAPABILITIES, 0, 0, none, le32(flags), ...sizes);
    this.#limits = { ...this.#limits, version };
    const answer = yield* this.ask(request);
    const bytes = sized ? Capabilities.SIZE : Capabilities.SIZE_1_1;
    if (answer.length < bytes) {
      throw new PeerFault(`CAPABILITIES: ${answer.length} bytes, expected ${bytes}`);
    }
    this.responderFlags = u32(answer, Capabilities.FLAGS);
    a.push(request, answer.slice(0, bytes));
    const size = sized ? u32(answer, Capabilities.DATA_TRANSFER_SIZE) : 0;
    if (sized && size < Spdm.MIN_DATA_TRANSFER_SIZE) {
      throw new PeerFault(`CAPABILITIES: DataTransferSize ${size}, expected >= 42`);
    }
    return { dataTransferSize: size };
  }

  /** The digests of the slots that have a chain. */
  *digests(session?: RequesterSession): Exchange<Map<number, Uint8Array>> {
    const request = message(this.version, Spdm.GET_DIGESTS, 0, 0);
    const answer = yield* this.ask(request, session);
    const mask = answer[Spdm.PARAM2]!;
    const { bytes } = this.suite.hash;
    const found = new Map<number, Uint8Array>();
    let at = Spdm.SIZE;
    for (let slot = 0; slot < Spdm.MAX_SLOTS; slot++) {
      if (!(mask & (1 << slot))) continue;
      if (at + bytes > answer.length) throw new PeerFault("DIGESTS: fewer digests than slots");
      found.set(slot, answer.slice(at, at + bytes));
      at += bytes;
    }
    if (session) this.transcript.clearB();
    else this.transcript.digests(request, answer.subarray(0, at));
    return found;
  }

  /** A slot's chain, read in portions and checked. */
  *certificate(slot: number, session?: RequesterSession): Exchange<Chain> {
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (;;) {
      const asked = Math.min(this.#dataTransferSize - CertificateLayout.SIZE, 0xffff);
      const bounds = join(le16(offset), le16(asked));
      const request = message(this.version, Spdm.GET_CERTIFICATE, slot, 0, bounds);
      const answer = yield* this.ask(request, session);
      if (answer.length < CertificateLayout.SIZE)
        throw new PeerFault("CERTIFICATE: shorter than 8");
      const portion = u16(answer, CertificateLayout.PORTION_LENGTH);
      const remainder = u16(answer, CertificateLayout.REMAINDER_LENGTH);
      const end = CertificateLayout.SIZE + portion;
      if (portion === 0 || portion > asked || end > answer.length) {
        throw new PeerFault(
          `CERTIFICATE: portion of ${portion} bytes at ${offset}, asked for ${asked}`,
        );
      }
      if (!session) this.transcript.certificate(request, answer.subarray(0, end));
      parts.push(answer.slice(CertificateLayout.SIZE, end));
      offset += portion;
      if (remainder === 0) break;
      if (offset > 0xffff) throw new PeerFault("CERTIFICATE: chain over 65535 bytes");
    }
    return this.#believe(slot, join(...parts));
  }

  #believe(slot: number, octets: Uint8Array): Chain {
    const { hash, asym } = this.suite;
    const chain = chainOf(octets, hash);
    const now = this.clock?.now();
    const fault = chainFault(chain, { curves: this.curves, hash, now, roots: this.roots });
    if (fault) throw new PeerFault(`slot ${slot}: ${fault}`);
    const leaf = chain.certificates.at(-1)!;
    if (leaf.curve !== asym)
      throw new PeerFault(`slot ${slot}: leaf key ${leaf.curve}, agreed ${asym}`);
    this.#chains.set(slot, { octets, chain });
    return chain;
  }

  /** A slot's chain as it travelled; certificate() comes first. */
  chain(slot: number): { octets: Uint8Array; chain: Chain } {
    const kept = this.#chains.get(slot);
    if (!kept) throw new PeerFault(`slot ${slot}: no chain read yet, certificate() comes first`);
    return kept;
  }

  verify(purpose: Purpose, transcriptHash: Uint8Array, signature: Uint8Array, slot: number): void {
    const { leafKey } = this.chain(slot).chain;
    if (verify(this.suite, purpose, transcriptHash, signature, leafKey)) return;
    throw new PeerFault(
      `${purpose.replace(" signing", "")}: the signature of slot ${slot} is wrong`,
    );
  }

  /** CHALLENGE: the device proves that it holds the slot's key. Answers the measurement summary. */
  *challenge(slot: number, summary: number = Spdm.SUMMARY_NONE): Exchange<Uint8Array> {
    const { hash, signer } = this.suite;
    const context = this.context();
    const nonce = this.prng.bytes(Spdm.NONCE_BYTES);
    const request = message(this.version, Spdm.CHALLENGE, slot, summary, nonce, context);
    const answer = yield* this.ask(request);
    const summaryBytes = summary === Spdm.SUMMARY_NONE ? 0 : hash.bytes;
    const summaryAt = Spdm.SIZE + hash.bytes + Spdm.NONCE_BYTES;
    const opaqueAt = summaryAt + summaryBytes;
    const end = this.tail(answer, opaqueAt, context, 2 * signer!.bytes, "CHALLENGE_AUTH");
    const response = answer.subarray(0, end);
    const chainHash = response.subarray(Spdm.SIZE, Spdm.SIZE + hash.bytes);
    if (!equal(chainHash, hash.digest(this.chain(slot).octets))) {
      throw new PeerFault(`CHALLENGE_AUTH: hash of slot ${slot}'s chain is not the chain's`);
    }
    const unsigned = response.subarray(0, -2 * signer!.bytes);
    const m1 = this.transcript.challenge(request, unsigned);
    const signature = response.subarray(unsigned.length);
    this.verify("responder-challenge_auth signing", m1, signature, slot);
    this.transcript.challenged();
    return response.slice(summaryAt, opaqueAt);
  }

  /** RequesterContext: eight octets the responder must give back, from 1.3 on. */
  context(): Uint8Array {
    return this.version >= Spdm.VERSION_1_3
      ? this.prng.bytes(Spdm.CONTEXT_BYTES)
      : new Uint8Array(0);
  }

  /** Where a response ends: opaque data at `at`, the context given back, then `signature` octets. */
  tail(
    answer: Uint8Array,
    at: number,
    context: Uint8Array,
    signature: number,
    what: string,
  ): number {
    const contextAt = at + 2 + (answer.length < at + 2 ? 0 : u16(answer, at));
    const end = contextAt + context.length + signature;
    if (answer.length < end)
      throw new PeerFault(`${what}: ${answer.length} bytes, expected ${end}`);
    if (!equal(answer.subarray(contextAt, contextAt + context.length), context)) {
      throw new PeerFault(`${what}: gives back another context than ours`);
    }
    return end;
  }
}
