// GET_MEASUREMENTS as the requester asks and checks it. DSP0274 10.11.

import * as Spdm from "../abi/spdm.ts";
import * as Block from "../abi/spdm-measurement-block.ts";
import * as Layout from "../abi/spdm-measurements.ts";
import { message } from "../spdm/answer.ts";
import { type Exchange, PeerFault } from "../spdm/exchange.ts";
import { bit, join, u16 } from "../spdm/octets.ts";
import type { RequesterSession } from "./session.ts";
import type { SpdmRequester } from "./spdm.ts";

export interface MeasurementBlock {
  index: number;
  valueType: number;
  raw: boolean;
  value: Uint8Array;
}

export interface MeasurementsAsked {
  /** An index, MEASUREMENT_ALL or MEASUREMENT_COUNT. */
  operation?: number;
  raw?: boolean;
  signed?: boolean;
  slot?: number;
  /** 32 bytes that a signature must answer; random unless given. */
  nonce?: Uint8Array;
}

export interface MeasurementsTold {
  /** How many blocks the device has; only when that was asked. */
  count: number;
  blocks: MeasurementBlock[];
  record: Uint8Array;
  /** The two messages as the transcript has them, the signature at the end. */
  messages: Uint8Array;
}

export function* measurements(
  requester: SpdmRequester,
  asked: MeasurementsAsked = {},
  session?: RequesterSession,
): Exchange<MeasurementsTold> {
  const { operation = Spdm.MEASUREMENT_ALL, raw = false, signed = true, slot = 0 } = asked;
  const context = requester.context();
  const attributes =
    (signed ? 1 << Spdm.SIGNATURE_REQUESTED_BIT : 0) | (raw ? 1 << Spdm.RAW_REQUESTED_BIT : 0);
  const nonce = signed
    ? join(asked.nonce ?? requester.prng.bytes(Spdm.NONCE_BYTES), Uint8Array.of(slot))
    : new Uint8Array(0);
  const { version } = requester;
  const request = message(version, Spdm.GET_MEASUREMENTS, attributes, operation, nonce, context);
  const answer = yield* requester.ask(request, session);
  if (answer.length < Layout.SIZE) throw new PeerFault("MEASUREMENTS: shorter than 8 bytes");
  const bytes =
    u16(answer, Layout.MEASUREMENT_RECORD_LENGTH) +
    answer[Layout.MEASUREMENT_RECORD_LENGTH + 2]! * 0x10000;
  const signatureBytes = signed ? 2 * requester.suite.signer!.bytes : 0;
  const opaqueAt = Layout.SIZE + bytes + Spdm.NONCE_BYTES;
  const end = requester.tail(answer, opaqueAt, context, signatureBytes, "MEASUREMENTS");
  const response = answer.subarray(0, end);
  const { transcript } = session ?? requester;
  if (signed) {
    const unsigned = response.subarray(0, end - signatureBytes);
    const l1 = transcript.signedMeasurements(request, unsigned);
    const signature = response.subarray(unsigned.length);
    requester.verify("responder-measurements signing", l1, signature, slot);
    transcript.clearL();
  } else transcript.measurements(request, response);
  const record = response.slice(Layout.SIZE, Layout.SIZE + bytes);
  const messages = join(request, response);
  return { count: response[Spdm.PARAM1]!, blocks: blocksOf(record, response), record, messages };
}

/** The blocks of a measurement record. */
export function blocksOf(record: Uint8Array, response: Uint8Array): MeasurementBlock[] {
  const blocks: MeasurementBlock[] = [];
  let at = 0;
  while (at < record.length) {
    const rest = record.subarray(at);
    const bytes = rest.length < Block.SIZE ? 0 : u16(rest, Block.VALUE_SIZE);
    const end = Block.SIZE + bytes;
    const whole = rest.length >= Block.SIZE && u16(rest, Block.MEASUREMENT_SIZE) === bytes + 3;
    if (!whole || end > rest.length)
      throw new PeerFault(`MEASUREMENTS: block at ${at} does not fit`);
    const type = rest[Block.VALUE_TYPE]!;
    blocks.push({
      index: rest[Block.INDEX]!,
      valueType: type & ~(1 << Block.RAW_BIT),
      raw: bit(type, Block.RAW_BIT),
      value: rest.slice(Block.SIZE, end),
    });
    at += end;
  }
  if (blocks.length !== response[Layout.NUMBER_OF_BLOCKS]) {
    throw new PeerFault(
      `MEASUREMENTS: ${blocks.length} blocks, says ${response[Layout.NUMBER_OF_BLOCKS]}`,
    );
  }
  return blocks;
}
