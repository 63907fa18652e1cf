// One file per request; the table in ../spdm-table.ts has already said that it is legal here.
import * as Spdm from "../../abi/spdm.ts";
import type { Answer } from "../../spdm/answer.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";
import { challenge } from "./challenge.ts";
import { chunkGet } from "./chunk-get.ts";
import { chunkSend } from "./chunk-send.ts";
import { endSession } from "./end-session.ts";
import { finish } from "./finish.ts";
import { getCapabilities } from "./get-capabilities.ts";
import { getCertificate } from "./get-certificate.ts";
import { getDigests } from "./get-digests.ts";
import { getMeasurements } from "./get-measurements.ts";
import { getVersion } from "./get-version.ts";
import { heartbeat } from "./heartbeat.ts";
import { keyExchange } from "./key-exchange.ts";
import { keyUpdate } from "./key-update.ts";
import { negotiateAlgorithms } from "./negotiate-algorithms.ts";
import { respondIfReady } from "./respond-if-ready.ts";
import { vendorDefined } from "./vendor-defined.ts";

export type Handler = (
  responder: SpdmResponder,
  request: Uint8Array,
  session: Session | undefined,
) => Answer;

export const handlers: Record<number, Handler> = {
  [Spdm.GET_VERSION]: getVersion,
  [Spdm.GET_CAPABILITIES]: getCapabilities,
  [Spdm.NEGOTIATE_ALGORITHMS]: negotiateAlgorithms,
  [Spdm.GET_DIGESTS]: getDigests,
  [Spdm.GET_CERTIFICATE]: getCertificate,
  [Spdm.CHALLENGE]: challenge,
  [Spdm.GET_MEASUREMENTS]: getMeasurements,
  [Spdm.KEY_EXCHANGE]: keyExchange,
  [Spdm.FINISH]: finish,
  [Spdm.HEARTBEAT]: heartbeat,
  [Spdm.KEY_UPDATE]: keyUpdate,
  [Spdm.END_SESSION]: endSession,
  [Spdm.VENDOR_DEFINED_REQUEST]: vendorDefined,
  [Spdm.CHUNK_SEND]: chunkSend,
  [Spdm.CHUNK_GET]: chunkGet,
  [Spdm.RESPOND_IF_READY]: respondIfReady,
};
