// What the firmware keeps of a device between commands: the plaintext of its context page. What only one boot can use, the SPDM
// session itself, never leaves the secure processor (ts/psp/tio/tio.ts).
import * as Layout from "../../abi/psp/tio-device-context.ts";
import * as Status from "../../abi/status.ts";
import { viewOf } from "../../layout.ts";
import type { Contents } from "../sealed-pages.ts";

/** CTX_STATE of DEV_STATUS. Numbers are Cloister's own: no public source has them. */
export const DeviceState = {
  /** DEV_CREATE made it; nothing was said to the device, or all of it is over. */
  CREATED: 0,
  /** A session, and keys on both ends of the stream. */
  CONNECTED: 1,
  /** The session broke: the root port's keys are gone. Only a forced DEV_DISCONNECT leads out. */
  ERROR: 2,
} as const;

export interface DeviceContext {
  /** One of DeviceState. */
  state: number;
  /** The Requester ID of the function with the mailbox. */
  deviceId: number;
  rootPortId: number;
  segment: number;
  tcMask: number;
  certSlot: number;
  /** The key set in use: a refresh takes the other. */
  keySet: number;
  /** How often the device was measured. */
  measurements: number;
  /** By traffic class, 0xff where there is none. */
  streamIds: Uint8Array;
  /** SPDM_ALGOS of DEV_STATUS. */
  algorithms: Uint8Array;
  certsDigest: Uint8Array;
  measDigest: Uint8Array;
  tdis: number;
  bound: number;
}

export function newDevice(deviceId: number, rootPortId: number, segment: number): DeviceContext {
  return {
    state: DeviceState.CREATED,
    deviceId,
    rootPortId,
    segment,
    tcMask: 0,
    certSlot: 0,
    keySet: 0,
    measurements: 0,
    streamIds: new Uint8Array(8).fill(0xff),
    algorithms: new Uint8Array(8),
    certsDigest: new Uint8Array(48),
    measDigest: new Uint8Array(48),
    tdis: 0,
    bound: 0,
  };
}

/** A device that no longer has anything to do with its TSM: what DEV_CREATE left. */
export function disconnected(device: DeviceContext): DeviceContext {
  const { deviceId, rootPortId, segment, tdis } = device;
  return { ...newDevice(deviceId, rootPortId, segment), tdis };
}

export const deviceContents: Contents<DeviceContext> = {
  size: Layout.SIZE,
  absent: Status.INVALID_DEV_CTX,
  encode(device) {
    const bytes = new Uint8Array(Layout.SIZE);
    const view = viewOf(bytes);
    view.setUint32(Layout.STATE, device.state, true);
    view.setUint16(Layout.DEVICE_ID, device.deviceId, true);
    view.setUint16(Layout.ROOT_PORT_ID, device.rootPortId, true);
    bytes[Layout.SEGMENT_ID] = device.segment;
    bytes[Layout.TC_MASK] = device.tcMask;
    bytes[Layout.CERT_SLOT] = device.certSlot;
    bytes[Layout.KEY_SET] = device.keySet;
    view.setUint32(Layout.MEAS_COUNT, device.measurements, true);
    bytes.set(device.streamIds, Layout.IDE_STREAM_ID);
    bytes.set(device.algorithms, Layout.SPDM_ALGOS);
    bytes.set(device.certsDigest, Layout.CERTS_DIGEST);
    bytes.set(device.measDigest, Layout.MEAS_DIGEST);
    view.setUint32(Layout.TDI_COUNT, device.tdis, true);
    view.setUint32(Layout.BOUND_TDI_COUNT, device.bound, true);
    return bytes;
  },
  decode(bytes) {
    const view = viewOf(bytes);
    return {
      state: view.getUint32(Layout.STATE, true),
      deviceId: view.getUint16(Layout.DEVICE_ID, true),
      rootPortId: view.getUint16(Layout.ROOT_PORT_ID, true),
      segment: view.getUint8(Layout.SEGMENT_ID),
      tcMask: view.getUint8(Layout.TC_MASK),
      certSlot: view.getUint8(Layout.CERT_SLOT),
      keySet: view.getUint8(Layout.KEY_SET),
      measurements: view.getUint32(Layout.MEAS_COUNT, true),
      streamIds: bytes.slice(Layout.IDE_STREAM_ID, Layout.SPDM_ALGOS),
      algorithms: bytes.slice(Layout.SPDM_ALGOS, Layout.CERTS_DIGEST),
      certsDigest: bytes.slice(Layout.CERTS_DIGEST, Layout.MEAS_DIGEST),
      measDigest: bytes.slice(Layout.MEAS_DIGEST, Layout.TDI_COUNT),
      tdis: view.getUint32(Layout.TDI_COUNT, true),
      bound: view.getUint32(Layout.BOUND_TDI_COUNT, true),
    };
  },
};
