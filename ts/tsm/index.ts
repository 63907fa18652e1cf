// The TSM's public face: connect, lock and start somebody's device. Re-exports only.

export {
  type AsyncTransport,
  drive,
  driveAsync,
  type Exchange,
  PeerFault,
  PeerRefusal,
  type Transport,
} from "../spdm/exchange.ts";
export {
  type Connected,
  connectDevice,
  disconnectDevice,
  lockInterface,
  startInterface,
} from "./connect.ts";
export { type ConfigAccess, discover, mailboxTransport } from "./doe.ts";
export { IdeKmRequester, type IdeStreamId, type StreamKeys } from "./ide.ts";
export { endSession, heartbeat, openSession, updateKeys, vendorDefined } from "./key-exchange.ts";
export { type MeasurementBlock, type MeasurementsAsked, measurements } from "./measure.ts";
export type { Offer } from "./offer.ts";
export { RequesterSession } from "./session.ts";
export { type RequesterOptions, SpdmRequester } from "./spdm.ts";
export {
  type InterfaceReport,
  interfaceReport,
  type LockRequest,
  TdispRequester,
} from "./tdisp.ts";
