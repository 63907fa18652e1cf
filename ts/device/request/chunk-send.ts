// CHUNK_SEND: a request larger than a transfer arrives in pieces. DSP0274 10.26.1.

import * as Spdm from "../../abi/spdm.ts";
import * as Chunk from "../../abi/spdm-chunk.ts";
import { type Answer, errorMessage, INVALID, message } from "../../spdm/answer.ts";
import { bit, join, le16, u16, u32 } from "../../spdm/octets.ts";
import type { Sending } from "../chunks.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function chunkSend(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  const { chunks, connection } = responder;
  if (request.length < Chunk.SIZE) return INVALID;
  const sending = chunks.sending ?? begun(responder, request, session);
  const data = sending && dataOf(sending, request, responder, session);
  const handle = request[Spdm.PARAM2]!;
  const seq = le16(u16(request, Chunk.CHUNK_SEQ_NO));
  const ack = (early: number, inner: Uint8Array) =>
    message(connection.version, Spdm.CHUNK_SEND_ACK, early, handle, seq, inner);
  if (!data) {
    chunks.sending = undefined;
    const error = errorMessage(connection.version, INVALID);
    return { response: ack(1 << Chunk.EARLY_ERROR_BIT, error) };
  }
  sending.parts.push(data.slice());
  sending.received += data.length;
  sending.nextSeq++;
  chunks.sending = sending;
  if (!bit(request[Spdm.PARAM1]!, Chunk.LAST_CHUNK_BIT)) {
    return { response: ack(0, new Uint8Array(0)) };
  }
  chunks.sending = undefined;
  const whole = join(...sending.parts);
  const answer = mayTravelInChunks(whole)
    ? responder.answer(whole, session)
    : { response: errorMessage(connection.version, INVALID) };
  if (!answer) return undefined;
  return { ...answer, response: ack(0, answer.response) };
}

// A large message is not itself a chunk, nor one that must come before CHUNK_CAP is known.
const mayTravelInChunks = (whole: Uint8Array): boolean =>
  ![
    Spdm.CHUNK_SEND,
    Spdm.CHUNK_GET,
    Spdm.GET_VERSION,
    Spdm.GET_CAPABILITIES,
    Spdm.NEGOTIATE_ALGORITHMS,
  ].includes(whole[Spdm.CODE]!);

/** A new transfer; undefined unless this is a proper first chunk. */
function begun(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Sending | undefined {
  if (u16(request, Chunk.CHUNK_SEQ_NO) !== 0) return undefined;
  if (bit(request[Spdm.PARAM1]!, Chunk.LAST_CHUNK_BIT)) return undefined;
  if (request.length < Chunk.SIZE + Chunk.LARGE_MESSAGE_SIZE_BYTES) return undefined;
  const bytes = u32(request, Chunk.SIZE);
  if (bytes <= Spdm.MIN_DATA_TRANSFER_SIZE || bytes > responder.maxMessageSize) return undefined;
  if (u32(request, Chunk.CHUNK_SIZE) < Chunk.MIN_CHUNK_BYTES) return undefined;
  const handle = request[Spdm.PARAM2]!;
  return { handle, nextSeq: 0, bytes, parts: [], received: 0, sessionId: session?.id };
}

/** The chunk's data; undefined when it does not continue this transfer. */
function dataOf(
  sending: Sending,
  request: Uint8Array,
  responder: SpdmResponder,
  session: Session | undefined,
): Uint8Array | undefined {
  if (request[Spdm.PARAM2] !== sending.handle || session?.id !== sending.sessionId)
    return undefined;
  if (u16(request, Chunk.CHUNK_SEQ_NO) !== sending.nextSeq) return undefined;
  const start = Chunk.SIZE + (sending.nextSeq === 0 ? Chunk.LARGE_MESSAGE_SIZE_BYTES : 0);
  const end = start + u32(request, Chunk.CHUNK_SIZE);
  if (end > request.length || end > responder.dataTransferSize || end === start) return undefined;
  const last = bit(request[Spdm.PARAM1]!, Chunk.LAST_CHUNK_BIT);
  const received = sending.received + end - start;
  if (last ? received !== sending.bytes : received >= sending.bytes) return undefined;
  if (!last && end - start < Chunk.MIN_CHUNK_BYTES) return undefined;
  return request.subarray(start, end);
}
