// One SPDM request and its response: sealed if in a session, in chunks if large, again if the responder asks for time.
import * as DataObject from "../abi/doe-object.ts";
import * as Spdm from "../abi/spdm.ts";
import * as Chunk from "../abi/spdm-chunk.ts";
import { message } from "../spdm/answer.ts";
import { type Exchange, PeerFault, PeerRefusal } from "../spdm/exchange.ts";
import { nameOf, spdmCodes, spdmErrors } from "../spdm/names.ts";
import { bit, hexWord, join, le16, le32, u16, u32 } from "../spdm/octets.ts";
import { sessionIdOf } from "../spdm/secured-message.ts";
import type { Tap } from "../spdm/tap.ts";
import { send } from "./doe.ts";
import type { RequesterSession } from "./session.ts";

const MAX_TRIES = 16;

export interface Limits {
  version: number;
  /** What the responder takes at once; 0 for any size. */
  dataTransferSize: number;
  /** The largest message we assemble. */
  maxMessageSize: number;
  tap: Tap;
}

/** The response to a request, whatever detours it took. An ERROR is thrown by name. */
export function* ask(
  limits: Limits,
  request: Uint8Array,
  session: RequesterSession | undefined,
): Exchange<Uint8Array> {
  const room = limits.dataTransferSize;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const large = room > 0 && request.length > room;
    const response = large
      ? yield* inChunks(limits, request, session)
      : yield* once(limits, request, session);
    if (response[Spdm.CODE] !== Spdm.ERROR) return checked(limits, request, response);
    const late = yield* afterError(limits, request, response, session);
    if (late) return checked(limits, request, late);
  }
  throw new PeerFault(`${codeName(request)}: still BUSY after ${MAX_TRIES} tries`);
}

const codeName = (octets: Uint8Array): string => nameOf(spdmCodes, octets[Spdm.CODE]!);

function checked({ version }: Limits, request: Uint8Array, response: Uint8Array): Uint8Array {
  const expected = request[Spdm.CODE]! & ~(1 << Spdm.REQUEST_BIT);
  if (response[Spdm.CODE] !== expected) {
    const wanted = nameOf(spdmCodes, expected);
    throw new PeerFault(
      `${codeName(request)}: answered with ${codeName(response)}, expected ${wanted}`,
    );
  }
  if (response[Spdm.VERSION] !== version) {
    const seen = hexWord(response[Spdm.VERSION]!);
    throw new PeerFault(`${codeName(response)}: version ${seen}, expected ${hexWord(version)}`);
  }
  return response;
}

/** One message there and one back. */
function* once(
  { tap }: Limits,
  request: Uint8Array,
  session: RequesterSession | undefined,
): Exchange<Uint8Array> {
  let answer: Uint8Array;
  tap("request", request, session?.id);
  if (session) {
    if (!session.isOpen) throw new PeerFault(`session ${hexWord(session.id, 8)}: is over`);
    const record = yield* send(DataObject.SECURED_CMA_SPDM, session.seal(request));
    if (sessionIdOf(record) !== session.id) {
      throw new PeerFault(
        `${codeName(request)}: answer of another session, expected ${session.id}`,
      );
    }
    const opened = session.open(record);
    if (!opened) {
      session.close();
      throw new PeerFault(`${codeName(request)}: the answer does not open under the session's key`);
    }
    answer = opened;
  } else answer = yield* send(DataObject.CMA_SPDM, request);
  tap("response", answer, session?.id);
  if (answer.length < Spdm.SIZE) {
    throw new PeerFault(`${codeName(request)}: answer of ${answer.length} bytes, expected >= 4`);
  }
  return answer;
}

/** The late response; undefined: try again. Every other ERROR is thrown. */
function* afterError(
  limits: Limits,
  request: Uint8Array,
  error: Uint8Array,
  session: RequesterSession | undefined,
): Exchange<Uint8Array | undefined> {
  const code = error[Spdm.PARAM1]!;
  const extended = error.subarray(Spdm.SIZE);
  if (code === Spdm.BUSY) return undefined;
  if (code === Spdm.RESPONSE_NOT_READY && extended.length >= 4) {
    const again = message(limits.version, Spdm.RESPOND_IF_READY, extended[1]!, extended[2]!);
    return yield* patiently(limits, again, request, session);
  }
  if (code === Spdm.LARGE_RESPONSE && extended.length >= 1) {
    return yield* gathered(limits, extended[0]!, session);
  }
  // A responder that could not open our record has given the session up.
  if (session && code === Spdm.DECRYPT_ERROR) session.close();
  const name = nameOf(spdmErrors, code);
  const data = error[Spdm.PARAM2]!;
  throw new PeerRefusal(`${codeName(request)}: refused with ${name}, data ${data}`, code, data);
}

function* patiently(
  limits: Limits,
  again: Uint8Array,
  request: Uint8Array,
  session: RequesterSession | undefined,
): Exchange<Uint8Array> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const response = yield* once(limits, again, session);
    if (response[Spdm.CODE] !== Spdm.ERROR) return response;
    const code = response[Spdm.PARAM1]!;
    if (code === Spdm.RESPONSE_NOT_READY) continue;
    const name = nameOf(spdmErrors, code);
    throw new PeerRefusal(`${codeName(request)}: late answer refused with ${name}`, code, 0);
  }
  throw new PeerFault(`${codeName(request)}: not ready after ${MAX_TRIES} tries`);
}

/** CHUNK_GET until the last chunk. DSP0274 10.26.2. */
function* gathered(
  limits: Limits,
  handle: number,
  session: RequesterSession | undefined,
): Exchange<Uint8Array> {
  const { version, maxMessageSize } = limits;
  const parts: Uint8Array[] = [];
  let expected = 0;
  let received = 0;
  for (let seq = 0; ; seq++) {
    const get = message(version, Spdm.CHUNK_GET, 0, handle, le16(seq));
    const chunk = yield* once(limits, get, session);
    const start = Chunk.SIZE + (seq === 0 ? Chunk.LARGE_MESSAGE_SIZE_BYTES : 0);
    const isChunk = chunk[Spdm.CODE] === Spdm.CHUNK_RESPONSE && chunk.length >= start;
    if (!isChunk || u16(chunk, Chunk.CHUNK_SEQ_NO) !== seq) {
      throw new PeerFault(
        `CHUNK_GET ${seq}: answered with ${codeName(chunk)}, expected that chunk`,
      );
    }
    if (seq === 0) expected = u32(chunk, Chunk.SIZE);
    const bytes = u32(chunk, Chunk.CHUNK_SIZE);
    received += bytes;
    if (bytes === 0 || start + bytes > chunk.length || received > expected) {
      throw new PeerFault(
        `CHUNK_RESPONSE ${seq}: ${bytes} bytes do not fit its message of ${expected}`,
      );
    }
    if (expected > maxMessageSize) {
      throw new PeerFault(
        `CHUNK_RESPONSE: message of ${expected} bytes, expected <= ${maxMessageSize}`,
      );
    }
    parts.push(chunk.slice(start, start + bytes));
    const last = bit(chunk[Spdm.PARAM1]!, Chunk.LAST_CHUNK_BIT);
    if (last !== (received === expected)) {
      throw new PeerFault(`CHUNK_RESPONSE ${seq}: last bit and size ${expected} disagree`);
    }
    if (last) return join(...parts);
  }
}

/** CHUNK_SEND until the request is over; the last acknowledgement holds the response. DSP0274 10.26.1. */
function* inChunks(
  limits: Limits,
  request: Uint8Array,
  session: RequesterSession | undefined,
): Exchange<Uint8Array> {
  const { version, dataTransferSize } = limits;
  const handle = 0;
  let sent = 0;
  for (let seq = 0; ; seq++) {
    const size = seq === 0 ? le32(request.length) : new Uint8Array(0);
    const room = dataTransferSize - Chunk.SIZE - size.length;
    const data = request.subarray(sent, sent + room);
    sent += data.length;
    const last = sent === request.length;
    const chunk = message(
      version,
      Spdm.CHUNK_SEND,
      last ? 1 << Chunk.LAST_CHUNK_BIT : 0,
      handle,
      le16(seq),
      le16(0),
      le32(data.length),
      size,
      data,
    );
    const ack = yield* once(limits, chunk, session);
    if (ack[Spdm.CODE] === Spdm.ERROR) return ack;
    if (ack[Spdm.CODE] !== Spdm.CHUNK_SEND_ACK || ack.length < Chunk.SEQ_END) {
      throw new PeerFault(`CHUNK_SEND ${seq}: answered with ${codeName(ack)}`);
    }
    const inner = ack.subarray(Chunk.SEQ_END);
    if (bit(ack[Spdm.PARAM1]!, Chunk.EARLY_ERROR_BIT) || last) {
      if (inner.length < Spdm.SIZE)
        throw new PeerFault(`CHUNK_SEND ${seq}: no response in its ACK`);
      return inner;
    }
  }
}
