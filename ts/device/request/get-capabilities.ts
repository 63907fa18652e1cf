// GET_CAPABILITIES: latches the version, learns the requester's flags and sizes. DSP0274 10.4.

import * as Spdm from "../../abi/spdm.ts";
import * as Capabilities from "../../abi/spdm-capabilities.ts";
import { type Answer, INVALID, message } from "../../spdm/answer.ts";
import { contradict, has } from "../../spdm/flags.ts";
import { join, le32, u32 } from "../../spdm/octets.ts";
import type { Peer } from "../connection.ts";
import type { SpdmResponder } from "../spdm.ts";

const MAX_CT_EXPONENT = 31;

export function getCapabilities(responder: SpdmResponder, padded: Uint8Array): Answer {
  const version = padded[Spdm.VERSION]!;
  const sized = version >= Spdm.VERSION_1_2;
  // Even a refused request latches its version, so that its ERROR carries it.
  responder.connection.version = version;
  const bytes = sized ? Capabilities.SIZE : Capabilities.SIZE_1_1;
  if (padded.length < bytes) return INVALID;
  const request = padded.subarray(0, bytes);
  const peer = peerOf(request, sized);
  if (!peer || contradict(peer.flags, version)) return INVALID;
  const asksAlgorithms = request[Spdm.PARAM1]! & (1 << Capabilities.SUPPORTED_ALGORITHMS_BIT);
  const chunked = has(peer.flags, Spdm.CHUNK_CAP_BIT);
  if (version >= Spdm.VERSION_1_3 && asksAlgorithms && !chunked) return INVALID;
  const response = message(
    version,
    Spdm.CAPABILITIES,
    0,
    0,
    Uint8Array.of(0, 0, 0, 0),
    le32(version >= Spdm.VERSION_1_2 ? responder.flags : flagsBefore12(responder.flags)),
    sized
      ? join(le32(responder.dataTransferSize), le32(responder.maxMessageSize))
      : new Uint8Array(),
  );
  return {
    response,
    commit() {
      responder.connection.peer = peer;
      responder.connection.appendA(request, response);
      responder.connection.place = "AFTER_CAPABILITIES";
    },
  };
}

// CHUNK_CAP and everything after it were reserved in 1.1.
const flagsBefore12 = (flags: number): number => flags & ((1 << Spdm.CHUNK_CAP_BIT) - 1);

function peerOf(request: Uint8Array, sized: boolean): Peer | undefined {
  if (request[Capabilities.CT_EXPONENT]! > MAX_CT_EXPONENT) return undefined;
  const flags = u32(request, Capabilities.FLAGS);
  if (!sized) return { flags, dataTransferSize: 0, maxMessageSize: 0 };
  const dataTransferSize = u32(request, Capabilities.DATA_TRANSFER_SIZE);
  const maxMessageSize = u32(request, Capabilities.MAX_SPDM_MSG_SIZE);
  if (dataTransferSize < Spdm.MIN_DATA_TRANSFER_SIZE) return undefined;
  if (dataTransferSize > maxMessageSize) return undefined;
  const chunked = has(flags, Spdm.CHUNK_CAP_BIT);
  if (!chunked && dataTransferSize !== maxMessageSize) return undefined;
  return { flags, dataTransferSize, maxMessageSize };
}
