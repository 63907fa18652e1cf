// What DEV_CONNECT and ROLL_KEY say to a device: identity, measurements, a session, and keys for both ends of the stream. The
// receivers of both ends change over first, then the transmitters. PCIe 6.33.3; spec digest sev-tio.md 4.
import * as IdeKm from "../../abi/ide-km.ts";
import type { Prng } from "../../prng.ts";
import type { Curves } from "../../spdm/crypto.ts";
import { type Exchange, PeerFault, PeerRefusal } from "../../spdm/exchange.ts";
import type { Direction, IdeKey, RootPortIde } from "../../tio-port.ts";
import { authenticate } from "../../tsm/connect.ts";
import { IdeKmRequester, type IdeStreamId, lanes } from "../../tsm/ide.ts";
import { SpdmRequester } from "../../tsm/spdm.ts";
import { TdispRequester } from "../../tsm/tdisp.ts";
import { DATA_TRANSFER } from "./sizes.ts";
import type { Session } from "./tio.ts";

const KEY_BYTES = 32;
const FIRST_INVOCATION = 1n;

/** The firmware has no calendar and no roots: it checks that a chain holds together. Whom to believe is the guest's business. */
export function requesterOf(prng: Prng, curves: Curves | undefined): SpdmRequester {
  const own = { prng, dataTransferSize: DATA_TRANSFER };
  return new SpdmRequester(curves ? { ...own, curves } : own);
}

/** A session with the device, whose port is that of `deviceId`. No DOE discovery: the host found the mailbox. */
export function* openSession(
  requester: SpdmRequester,
  deviceId: number,
  slot: number,
): Exchange<Session> {
  yield* requester.negotiate();
  const { session } = yield* authenticate(requester, slot);
  const ide = new IdeKmRequester(requester, session);
  const portIndex = yield* portOf(ide, deviceId);
  return { requester, session, ide, tdisp: new TdispRequester(requester, session), portIndex };
}

/** IDE_KM's index of the port that a Requester ID is behind. */
function* portOf(ide: IdeKmRequester, deviceId: number): Exchange<number> {
  for (let index = 0; ; index++) {
    const { functionId, maxPortIndex } = yield* ide.query(index);
    if (functionId === deviceId) return index;
    if (index >= maxPortIndex) {
      throw new PeerFault(`QUERY_RESP: no port of function 0x${deviceId.toString(16)}`);
    }
  }
}

/** Keys for every lane of a key set, in the device and in the root port. Nothing uses them yet. */
export function* programKeys(
  { requester, ide }: Session,
  rootPort: RootPortIde,
  stream: Required<IdeStreamId>,
): Exchange<void> {
  for (const lane of lanes(stream)) {
    const key = requester.prng.bytes(KEY_BYTES);
    yield* ide.program(stream, lane, key);
    const taken = rootPort.programKey(partnerKey(stream, lane, key));
    key.fill(0);
    if (!taken) {
      const what = `root port: no stream ${stream.streamId}, or its key is in use`;
      throw new PeerRefusal(what, 0, 0);
    }
  }
}

/** Both ends use a key set from now on. */
export function* useKeys(
  { ide }: Session,
  rootPort: RootPortIde,
  stream: Required<IdeStreamId>,
): Exchange<void> {
  for (const direction of ["rx", "tx"] as const) {
    for (const lane of lanes(stream)) {
      if (directionOf(lane) === direction) yield* ide.go(stream, lane);
    }
    if (!rootPort.go(stream.streamId, stream.keySet, direction))
      throw new PeerFault(`root port: stream ${stream.streamId} does not take its keys`);
  }
}

const directionOf = (lane: number): Direction =>
  lane & (1 << IdeKm.DIRECTION_TX_BIT) ? "tx" : "rx";

/** What the device receives the root port sends: its key for a lane of the device's. */
function partnerKey(
  { streamId, keySet }: Required<IdeStreamId>,
  lane: number,
  key: Uint8Array,
): IdeKey {
  return {
    streamId,
    keySet,
    direction: directionOf(lane) === "rx" ? "tx" : "rx",
    subStream: (lane >> IdeKm.SUB_STREAM_LSB) as IdeKey["subStream"],
    key,
    invocation: FIRST_INVOCATION,
  };
}
