// GET_CERTIFICATE: a portion of one slot's chain. DSP0274 10.7.

import * as Spdm from "../../abi/spdm.ts";
import * as Certificate from "../../abi/spdm-certificate.ts";
import { type Answer, INVALID, message } from "../../spdm/answer.ts";
import { bit, field, le16, u16 } from "../../spdm/octets.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

export function getCertificate(
  responder: SpdmResponder,
  padded: Uint8Array,
  session: Session | undefined,
): Answer {
  const { version, transcript, peer } = responder.connection;
  if (padded.length < Certificate.SIZE) return INVALID;
  const request = padded.subarray(0, Certificate.SIZE);
  const slot = field(request[Spdm.PARAM1]!, 0, Certificate.SLOT_WIDTH);
  const chain = responder.chain(slot);
  if (!chain) return INVALID;
  const sizeOnly =
    version >= Spdm.VERSION_1_3 && bit(request[Spdm.PARAM2]!, Certificate.SLOT_SIZE_REQUESTED_BIT);
  const offset = sizeOnly ? 0 : u16(request, Certificate.OFFSET);
  if (offset >= chain.length) return INVALID;
  const room = [responder.dataTransferSize, peer.dataTransferSize || 0xffff];
  const asked = sizeOnly ? 0 : u16(request, Certificate.LENGTH);
  const portion = Math.min(
    asked,
    ...room.map((bytes) => bytes - Certificate.SIZE),
    chain.length - offset,
  );
  const response = message(
    version,
    Spdm.CERTIFICATE,
    slot,
    0,
    le16(portion),
    le16(chain.length - offset - portion),
    chain.subarray(offset, offset + portion),
  );
  return session
    ? { response }
    : { response, commit: () => transcript.certificate(request, response) };
}
