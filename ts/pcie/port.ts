// One end of a link, a root port's or a device's: makes TLPs of memory requests and completions, sends and receives them under the
// right IDE stream or under none, and matches answers with what was asked. PCIe 2.2, 2.3 and 6.33.
import * as Prefix from "../abi/ide-prefix.ts";
import * as Completion from "../abi/tlp-completion.ts";
import type { IdeStream } from "./ide.ts";
import type { IdeCipher } from "./ide-cipher.ts";
import { IdeEnd, type Protected, protectedOf } from "./ide-end.ts";
import type { Link, LinkEnd, Way } from "./link.ts";
import {
  type CompletionTlp,
  completion,
  cut,
  decodeTlp,
  ideFail,
  type MemoryRequest,
  memoryRequest,
  type Packet,
  packetOf,
} from "./tlp.ts";

/** How a TLP came, or is to go. */
export interface Origin {
  /** The T bit: only over a Selective stream that is Secure. */
  tee: boolean;
  /** The stream; undefined: unprotected. */
  stream: IdeStream | undefined;
}

/** What a read comes to, or a status of ts/abi/tlp-completion.ts. */
export type Answer = Uint8Array | number;

/** Serves requests that come over the link. */
export interface Completer {
  /** The ID that completions carry. */
  idFor(request: MemoryRequest): number;
  read(request: MemoryRequest, origin: Origin): Answer;
  write(request: MemoryRequest, origin: Origin): void;
}

/** `no stream`: the stream is not Secure, and nothing was sent. `timeout`: no completion came that could be believed. */
export type Transfer = "done" | "no stream" | "timeout" | "refused";

export interface PortOptions {
  /** Its own requester ID, for messages. */
  id: number;
  /** Which way it sends. */
  way: Way;
  link: Link;
  streams: readonly IdeStream[];
  cipher: IdeCipher;
  completer: Completer;
}

/** Max_Payload_Size and Max_Read_Request_Size, in bytes; requests on their way at once. */
export const MAX_PAYLOAD = 256;
const MAX_READ = 512;
const MOST_OUTSTANDING = 8;
const TAGS = 256;

interface Outstanding {
  requester: number;
  address: bigint;
  into: Uint8Array;
  done: number;
  status: number;
  origin: Origin;
}

export class LinkPort implements LinkEnd {
  readonly #options: PortOptions;
  readonly #ends: Map<IdeStream, IdeEnd> = new Map();
  readonly #outstanding: Map<number, Outstanding> = new Map();
  #tag = 0;

  constructor(options: PortOptions) {
    this.#options = options;
  }

  /** Asks for bytes from an address on. What did not come leaves `into` as it was. */
  read(requester: number, address: bigint, into: Uint8Array, origin: Origin): Transfer {
    const pieces = [...cut(address, into.length, MAX_READ)];
    for (let at = 0; at < pieces.length; at += MOST_OUTSTANDING) {
      const asked = pieces.slice(at, at + MOST_OUTSTANDING).map((piece) => {
        const tag = this.#takeTag();
        const wanted = {
          requester,
          address: piece.address,
          into: into.subarray(piece.offset, piece.offset + piece.bytes),
          done: 0,
          status: Completion.SUCCESSFUL,
          origin,
        };
        this.#outstanding.set(tag, wanted);
        return { tag, wanted, packet: memoryRequest({ requester, tag, ...piece }) };
      });
      const sent = this.#send(
        asked.map(({ packet }) => packet),
        origin,
      );
      for (const { tag } of asked) this.#outstanding.delete(tag);
      if (!sent) return "no stream";
      if (asked.some(({ wanted }) => wanted.status !== Completion.SUCCESSFUL)) return "refused";
      if (asked.some(({ wanted }) => wanted.done < wanted.into.length)) return "timeout";
    }
    return "done";
  }

  /** Sends bytes to an address. Posted: what became of them is not told. */
  write(requester: number, address: bigint, from: Uint8Array, origin: Origin): Transfer {
    const packets: Packet[] = [];
    for (const { address: at, offset, bytes } of cut(address, from.length, MAX_PAYLOAD)) {
      const data = from.subarray(offset, offset + bytes);
      packets.push(memoryRequest({ requester, tag: 0, address: at, bytes }, data));
    }
    return this.#send(packets, origin) ? "done" : "no stream";
  }

  /** TLPs from the link. Nothing that comes can make it throw. */
  receive(tlps: readonly Uint8Array[]): void {
    for (let at = 0; at < tlps.length; ) {
      const octets = tlps[at++]!;
      if (octets[Prefix.FORMAT_TYPE] !== Prefix.IDE) {
        const packet = packetOf(octets);
        if (packet) this.#dispatch(packet, { tee: false, stream: undefined });
        continue;
      }
      const stream = this.#streamOf(octets);
      const first = protectedOf(octets);
      if (!stream) continue;
      // A TLP that is not even one makes the stream it names Insecure, as a wrong MAC does.
      if (!first) this.#fail(stream);
      else at += this.#receiveRun(stream, first, tlps.slice(at));
    }
  }

  /** Those that follow under the same stream are opened with the first. Answers how many. */
  #receiveRun(stream: IdeStream, first: Protected, rest: readonly Uint8Array[]): number {
    const run = [first];
    for (const octets of rest) {
      const next = this.#streamOf(octets) === stream ? protectedOf(octets) : undefined;
      if (!next) break;
      run.push(next);
    }
    const { opened, failed } = this.#endOf(stream).open(run);
    for (const packet of opened) {
      this.#dispatch(packet, { tee: packet.tee && !stream.isLink, stream });
    }
    if (failed) this.#fail(stream);
    return run.length - 1;
  }

  #streamOf(octets: Uint8Array): IdeStream | undefined {
    if (octets[Prefix.FORMAT_TYPE] !== Prefix.IDE) return undefined;
    const id = octets[Prefix.STREAM_ID];
    for (const each of this.#options.streams)
      if (each.isSecure && each.isConfigured && each.id === id) return each;
    return undefined;
  }

  /** The stream is Insecure; its partner is told. */
  #fail(stream: IdeStream): void {
    stream.clear();
    this.#sendPlain(ideFail(this.#options.id, stream.id));
  }

  #dispatch(packet: Packet, origin: Origin): void {
    const decoded = decodeTlp(packet);
    if (!decoded) return;
    if (decoded.kind === "ide fail") this.#failed(decoded.streamId);
    else if (this.#mustBeProtected && !origin.stream) return;
    else if (decoded.kind === "completion") this.#completed(decoded, origin);
    else if (decoded.kind === "write") this.#options.completer.write(decoded, origin);
    else this.#answer(decoded, origin);
  }

  /** With a Link stream in use, nothing else may come unprotected. */
  get #mustBeProtected(): boolean {
    return this.#linkStream !== undefined;
  }

  get #linkStream(): IdeStream | undefined {
    return this.#options.streams.find((stream) => stream.isLink && stream.isSecure);
  }

  #failed(streamId: number): void {
    for (const stream of this.#options.streams) {
      if (stream.isConfigured && stream.id === streamId) stream.failReceived();
    }
  }

  #answer(request: MemoryRequest, origin: Origin): void {
    const { completer } = this.#options;
    const answer = completer.read(request, origin);
    const from = {
      completer: completer.idFor(request),
      requester: request.requester,
      tag: request.tag,
    };
    const lower = (address: bigint) => Number(address & 0x7fn);
    if (typeof answer === "number") {
      const failed = { ...from, status: answer, remaining: request.bytes, data: new Uint8Array(0) };
      this.#send([completion({ ...failed, lowerAddress: lower(request.address) })], origin);
      return;
    }
    const packets: Packet[] = [];
    for (const { address, offset, bytes } of cut(request.address, answer.length, MAX_PAYLOAD)) {
      const data = answer.subarray(offset, offset + bytes);
      const remaining = answer.length - offset;
      const status = Completion.SUCCESSFUL;
      packets.push(completion({ ...from, status, remaining, lowerAddress: lower(address), data }));
    }
    this.#send(packets, origin);
  }

  /** A completion counts when it was asked for, comes the way the request went, and is the next part of the answer. */
  #completed(told: CompletionTlp, { tee, stream }: Origin): void {
    const wanted = this.#outstanding.get(told.tag);
    if (!wanted || wanted.requester !== told.requester) return;
    if (wanted.origin.tee !== tee || (tee && wanted.origin.stream !== stream)) return;
    if (told.status !== Completion.SUCCESSFUL) {
      wanted.status = told.status;
      return;
    }
    const left = wanted.into.length - wanted.done;
    const next = Number((wanted.address + BigInt(wanted.done)) & 0x7fn);
    if (told.remaining !== left || told.lowerAddress !== next || told.data.length > left) return;
    wanted.into.set(told.data, wanted.done);
    wanted.done += told.data.length;
  }

  /** False: they must go under a stream that is not Secure. */
  #send(packets: readonly Packet[], origin: Origin): boolean {
    const stream = origin.tee ? origin.stream : (origin.stream ?? this.#linkStream);
    if (origin.tee && !stream) return false;
    if (!stream) {
      for (const packet of packets) this.#sendPlain(packet);
      return true;
    }
    const sealed = this.#endOf(stream).seal(packets, origin.tee);
    if (!sealed) return false;
    const { link, way } = this.#options;
    link.send(way, sealed, true);
    return true;
  }

  #sendPlain({ header, data }: Packet): void {
    const octets = new Uint8Array(header.length + data.length);
    octets.set(header);
    octets.set(data, header.length);
    this.#options.link.send(this.#options.way, [octets], false);
  }

  #endOf(stream: IdeStream): IdeEnd {
    let end = this.#ends.get(stream);
    if (!end) {
      end = new IdeEnd(stream, this.#options.cipher);
      this.#ends.set(stream, end);
    }
    return end;
  }

  #takeTag(): number {
    this.#tag = (this.#tag + 1) % TAGS;
    return this.#tag;
  }
}
