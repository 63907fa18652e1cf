// What TIO_DEV_CONNECT does, start to end: identity, measurements, session, IDE keys; then a TDI locked and started.
import * as Spdm from "../abi/spdm.ts";
import * as Tdisp from "../abi/tdisp.ts";
import { type Exchange, PeerFault } from "../spdm/exchange.ts";
import { equal } from "../spdm/octets.ts";
import { IdeKmRequester, type IdeStreamId, type StreamKeys } from "./ide.ts";
import { endSession, openSession } from "./key-exchange.ts";
import { type MeasurementBlock, measurements as measure } from "./measure.ts";
import type { RequesterSession } from "./session.ts";
import type { SpdmRequester } from "./spdm.ts";
import { type InterfaceReport, type LockRequest, TdispRequester } from "./tdisp.ts";

export interface Connected {
  requester: SpdmRequester;
  session: RequesterSession;
  ide: IdeKmRequester;
  tdisp: TdispRequester;
  measurements: MeasurementBlock[];
  /** The stream's keys for the root port. */
  keys: StreamKeys;
  stream: IdeStreamId;
}

/** Everything up to a keyed stream. Any doubt ends it by name. */
export function* connectDevice(
  requester: SpdmRequester,
  stream: IdeStreamId,
  slot = 0,
): Exchange<Connected> {
  yield* requester.connect();
  const { session, measurements } = yield* authenticate(requester, slot);
  const ide = new IdeKmRequester(requester, session);
  const port = yield* ide.query(stream.portIndex);
  if (stream.portIndex > port.maxPortIndex) {
    throw new PeerFault(`QUERY_RESP: highest port ${port.maxPortIndex}, asked ${stream.portIndex}`);
  }
  const keys = yield* ide.start(stream);
  const tdisp = new TdispRequester(requester, session);
  return { requester, session, ide, tdisp, measurements, keys, stream };
}

/** Identity, measurements and a session, once version, capabilities and algorithms are agreed. */
export function* authenticate(
  requester: SpdmRequester,
  slot: number,
): Exchange<{ session: RequesterSession; measurements: MeasurementBlock[] }> {
  const digests = yield* requester.digests();
  yield* requester.certificate(slot);
  const digest = digests.get(slot);
  if (!digest || !equal(digest, requester.suite.hash.digest(requester.chain(slot).octets))) {
    throw new PeerFault(`DIGESTS: slot ${slot}'s is not its chain's`);
  }
  yield* requester.challenge(slot);
  const told = yield* measure(requester, { slot });
  const { session, summary } = yield* openSession(requester, slot, Spdm.SUMMARY_ALL);
  // The summary is over the blocks as told when raw values were not asked for.
  if (!equal(summary, requester.suite.hash.digest(told.record))) {
    throw new PeerFault(
      "KEY_EXCHANGE_RSP: measurement summary is not that of the measurements told",
    );
  }
  return { session, measurements: told.blocks };
}

/** LOCK_INTERFACE and the report of what was locked. */
export function* lockInterface(
  { tdisp, stream }: Connected,
  functionId: number,
  request: LockRequest = {},
): Exchange<{ nonce: Uint8Array; report: InterfaceReport }> {
  yield* tdisp.version(functionId);
  const { streamId } = stream;
  const nonce = yield* tdisp.lock(functionId, { streamId, ...request });
  return { nonce, report: yield* tdisp.report(functionId) };
}

/** START_INTERFACE, and the state it must lead to. */
export function* startInterface(
  { tdisp }: Connected,
  functionId: number,
  nonce: Uint8Array,
): Exchange<void> {
  yield* tdisp.start(functionId, nonce);
  const state = yield* tdisp.state(functionId);
  if (state !== Tdisp.RUN)
    throw new PeerFault(`DEVICE_INTERFACE_STATE: ${state} after START, expected 2 (RUN)`);
}

/** The interface stopped, the stream's keys gone, the session ended. */
export function* disconnectDevice(connected: Connected, functionIds: number[]): Exchange<void> {
  for (const functionId of functionIds) yield* connected.tdisp.stop(functionId);
  yield* connected.ide.stop(connected.stream);
  yield* endSession(connected.requester, connected.session);
}
