// CHUNK_GET: the next piece of a response larger than a transfer. DSP0274 10.26.2.

import * as Spdm from "../../abi/spdm.ts";
import * as Chunk from "../../abi/spdm-chunk.ts";
import { type Answer, INVALID, message, UNEXPECTED } from "../../spdm/answer.ts";
import { le16, le32, u16 } from "../../spdm/octets.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function chunkGet(
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
): Answer {
  const { chunks, connection } = responder;
  const { giving } = chunks;
  if (!giving || giving.sessionId !== session?.id) return UNEXPECTED;
  if (request.length < Chunk.SEQ_END || request[Spdm.PARAM2] !== giving.handle) return INVALID;
  if (u16(request, Chunk.CHUNK_SEQ_NO) !== giving.nextSeq) return INVALID;
  const first = giving.nextSeq === 0;
  const size = first ? le32(giving.message.length) : new Uint8Array(0);
  const room = connection.peer.dataTransferSize - Chunk.SIZE - size.length;
  const data = giving.message.subarray(giving.given, giving.given + room);
  const last = giving.given + data.length === giving.message.length;
  const response = message(
    connection.version,
    Spdm.CHUNK_RESPONSE,
    last ? 1 << Chunk.LAST_CHUNK_BIT : 0,
    giving.handle,
    le16(giving.nextSeq),
    le16(0),
    le32(data.length),
    size,
    data,
  );
  return {
    response,
    commit() {
      giving.nextSeq++;
      giving.given += data.length;
      if (last) chunks.giving = undefined;
    },
  };
}
