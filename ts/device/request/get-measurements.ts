// GET_MEASUREMENTS: how many blocks, one of them or all, signed when asked. DSP0274 10.11.

import * as Spdm from "../../abi/spdm.ts";
import * as Layout from "../../abi/spdm-measurements.ts";
import { type Answer, INVALID, message } from "../../spdm/answer.ts";
import { bit, field, join, le16, le32 } from "../../spdm/octets.ts";
import { block, type Measurement } from "../measurements.ts";
import type { Session } from "../session.ts";
import type { SpdmResponder } from "../spdm.ts";

interface Asked {
  request: Uint8Array;
  signed: boolean;
  raw: boolean;
  slot: number;
  context: Uint8Array;
  blocks: Measurement[];
}

export function getMeasurements(
  responder: SpdmResponder,
  padded: Uint8Array,
  session: Session | undefined,
): Answer {
  const { version, suite } = responder.connection;
  const { transcript } = session ?? responder.connection;
  const asked = askedOf(responder, padded);
  if (!asked || !suite.measurementHash) return INVALID;
  const { request, signed, slot } = asked;
  const count = request[Spdm.PARAM2] === Spdm.MEASUREMENT_COUNT ? responder.measurements.length : 0;
  const changed = version >= Spdm.VERSION_1_2 ? Layout.NO_CHANGE_DETECTED : 0;
  const unsigned = message(
    version,
    Spdm.MEASUREMENTS,
    count,
    signed ? slot | (changed << Layout.CONTENT_CHANGED_LSB) : 0,
    record(responder, asked),
    responder.prng.bytes(Spdm.NONCE_BYTES),
    le16(0),
    asked.context,
  );
  if (!signed) {
    return { response: unsigned, commit: () => transcript.measurements(request, unsigned) };
  }
  const l1 = transcript.signedMeasurements(request, unsigned);
  const signature = responder.sign(suite, "responder-measurements signing", l1, slot);
  return { response: join(unsigned, signature), commit: () => transcript.clearL() };
}

/** The request cut to its true length; undefined when it asks for what is not here. */
function askedOf(responder: SpdmResponder, padded: Uint8Array): Asked | undefined {
  const { version } = responder.connection;
  const attributes = padded[Spdm.PARAM1]!;
  const signed = bit(attributes, Spdm.SIGNATURE_REQUESTED_BIT);
  const context = version >= Spdm.VERSION_1_3 ? Spdm.CONTEXT_BYTES : 0;
  const head = signed ? Layout.SLOT_ID_PARAM + 1 : Spdm.SIZE;
  if (padded.length < head + context) return undefined;
  const request = padded.subarray(0, head + context);
  const slot = signed ? field(request[Layout.SLOT_ID_PARAM]!, 0, 4) : 0;
  if (signed && !responder.chain(slot)) return undefined;
  const operation = request[Spdm.PARAM2]!;
  const every = operation === Spdm.MEASUREMENT_ALL;
  const blocks = responder.measurements.filter((each) => every || each.index === operation);
  if (blocks.length === 0 && operation !== Spdm.MEASUREMENT_COUNT) return undefined;
  const raw = version >= Spdm.VERSION_1_2 && bit(attributes, Spdm.RAW_REQUESTED_BIT);
  return { request, signed, raw, slot, context: request.subarray(head), blocks };
}

/** The number of blocks, their length in three bytes, and the blocks. */
function record(responder: SpdmResponder, { blocks, raw }: Asked): Uint8Array {
  const hash = responder.connection.suite.measurementHash!;
  const told = blocks.map((each, i) => {
    const octets = block(each, hash, raw);
    if (i === 0 && responder.faults.has("wrong-measurement")) octets[octets.length - 1]! ^= 1;
    return octets;
  });
  const body = join(...told);
  return join(Uint8Array.of(told.length), le32(body.length).subarray(0, 3), body);
}
