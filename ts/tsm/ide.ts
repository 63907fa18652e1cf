// IDE_KM as the TSM speaks it: which ports there are, and keys for one stream. PCIe 6.33.3.
import * as IdeKm from "../abi/ide-km.ts";
import * as Vendor from "../abi/spdm-vendor-defined.ts";
import { type Exchange, PeerFault, PeerRefusal } from "../spdm/exchange.ts";
import { swapKey } from "../spdm/ide-key.ts";
import { ideKmObjects, nameOf } from "../spdm/names.ts";
import { hexWord, join, putU32 } from "../spdm/octets.ts";
import { vendorDefined } from "./key-exchange.ts";
import type { RequesterSession } from "./session.ts";
import type { SpdmRequester } from "./spdm.ts";

const KEY_BYTES = 32;
const SUB_STREAMS = [IdeKm.SUB_STREAM_PR, IdeKm.SUB_STREAM_NPR, IdeKm.SUB_STREAM_CPL];
const ACK: Record<number, number> = {
  [IdeKm.QUERY]: IdeKm.QUERY_RESP,
  [IdeKm.KEY_PROG]: IdeKm.KP_ACK,
  [IdeKm.K_SET_GO]: IdeKm.K_GOSTOP_ACK,
  [IdeKm.K_SET_STOP]: IdeKm.K_GOSTOP_ACK,
};

export interface PortInfo {
  functionId: number;
  maxPortIndex: number;
  /** The IDE capability from its second register on. */
  registers: Uint8Array;
}

export interface IdeStreamId {
  streamId: number;
  portIndex: number;
  keySet?: 0 | 1;
}

/** By KEY_SUB_STREAM as the device sees it, in a cipher's order. */
export type StreamKeys = Map<number, Uint8Array>;

export class IdeKmRequester {
  readonly #requester: SpdmRequester;
  readonly #session: RequesterSession;

  constructor(requester: SpdmRequester, session: RequesterSession) {
    this.#requester = requester;
    this.#session = session;
  }

  *query(portIndex: number): Exchange<PortInfo> {
    const answer = yield* this.#ask(
      Uint8Array.of(IdeKm.QUERY, 0, portIndex),
      IdeKm.QUERY_REGISTERS,
    );
    if (answer[IdeKm.QUERY_PORT_INDEX] !== portIndex) {
      throw new PeerFault(`QUERY_RESP: port ${answer[IdeKm.QUERY_PORT_INDEX]}, asked ${portIndex}`);
    }
    return {
      functionId: answer[IdeKm.QUERY_DEV_FUNC]! | (answer[IdeKm.QUERY_BUS]! << 8),
      maxPortIndex: answer[IdeKm.QUERY_MAX_PORT_INDEX]!,
      registers: answer.slice(IdeKm.QUERY_REGISTERS),
    };
  }

  /** Programs and starts all six lanes, the device's receivers first. */
  *start(stream: IdeStreamId): Exchange<StreamKeys> {
    const keys: StreamKeys = new Map();
    for (const lane of lanes(stream)) {
      const key = this.#requester.prng.bytes(KEY_BYTES);
      yield* this.program(stream, lane, key);
      yield* this.go(stream, lane);
      keys.set(lane, key);
    }
    return keys;
  }

  /** A programmed lane takes over. */
  *go(stream: IdeStreamId, lane: number): Exchange<void> {
    yield* this.#ask(keySet(IdeKm.K_SET_GO, stream, lane), IdeKm.ACK_SIZE);
  }

  *stop(stream: IdeStreamId): Exchange<void> {
    for (const lane of lanes(stream)) {
      yield* this.#ask(keySet(IdeKm.K_SET_STOP, stream, lane), IdeKm.ACK_SIZE);
    }
  }

  /** One lane's key, in a cipher's order. */
  *program(stream: IdeStreamId, lane: number, key: Uint8Array): Exchange<void> {
    const request = new Uint8Array(IdeKm.SIZE);
    request.set(keySet(IdeKm.KEY_PROG, stream, lane));
    request.set(swapKey(key), IdeKm.KEY);
    // The higher DW first: the invocation value begins at 1.
    putU32(request, IdeKm.IFV + 4, 1);
    const answer = yield* this.#ask(request, IdeKm.ACK_SIZE);
    const status = answer[IdeKm.STATUS]!;
    if (status === IdeKm.STATUS_SUCCESS) return;
    const what = `KEY_PROG stream ${stream.streamId} lane ${hexWord(lane)}`;
    throw new PeerRefusal(`${what}: status ${status}, expected 0`, status, 0);
  }

  *#ask(request: Uint8Array, bytes: number): Exchange<Uint8Array> {
    const payload = join(Uint8Array.of(Vendor.PROTOCOL_IDE_KM), request);
    const { STANDARD_PCI_SIG: standard, VENDOR_PCI_SIG: vendor } = Vendor;
    const told = yield* vendorDefined(this.#requester, this.#session, standard, vendor, payload);
    const answer = told.subarray(1);
    const expected = ACK[request[IdeKm.OBJECT_ID]!]!;
    const isExpected = told[0] === Vendor.PROTOCOL_IDE_KM && answer[IdeKm.OBJECT_ID] === expected;
    if (!isExpected || answer.length < bytes) {
      const wanted = nameOf(ideKmObjects, expected);
      throw new PeerFault(`IDE_KM: answered with ${told.length} bytes that are no ${wanted}`);
    }
    return answer;
  }
}

/** The lanes of a key set: the device's receivers first. */
export function lanes({ keySet: set = 0 }: IdeStreamId): number[] {
  const directions = [0, 1 << IdeKm.DIRECTION_TX_BIT];
  return directions.flatMap((direction) =>
    SUB_STREAMS.map((sub) => (sub << IdeKm.SUB_STREAM_LSB) | direction | set),
  );
}

function keySet(object: number, { streamId, portIndex }: IdeStreamId, lane: number): Uint8Array {
  return Uint8Array.of(object, 0, 0, streamId, 0, lane, portIndex);
}
