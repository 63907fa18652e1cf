// What the firmware keeps of one TEE device interface: the plaintext of its context page.
import * as Layout from "../../abi/psp/tio-tdi-context.ts";
import * as Status from "../../abi/status.ts";
import * as Range from "../../abi/tdisp-mmio-range.ts";
import { bitOf, viewOf } from "../../layout.ts";
import type { ReportedRange } from "../../tsm/tdisp.ts";
import type { Contents } from "../sealed-pages.ts";
import type { DeviceContext } from "./device.ts";
import type { Tio } from "./tio.ts";

/** TDI_STATUS of TDI_INFO: what the interface is to the firmware; the device may be elsewhere (TDI_STATUS asks it). */
export const TdiState = { UNBOUND: 0, LOCKED: 1, RUN: 2 } as const;

export interface TdiContext {
  /** One of TdiState. */
  state: number;
  /** FUNCTION_ID of TDISP; its lower half is the Requester ID. */
  functionId: number;
  /** The context page of its device. */
  device: bigint;
  /** The guest that it is bound to: its context page, its ASID, and its own name for the device. All 0 while unbound. */
  gctx: bigint;
  asid: number;
  guestDeviceId: number;
  lockFlags: number;
  /** Whether the IOMMU's entry is valid. */
  sdte: boolean;
  reportingOffset: bigint;
  /** What START_INTERFACE must bring; zeros but in LOCKED. */
  nonce: Uint8Array;
  /** How often the device was measured when it was bound. */
  measuredAtBind: number;
  reports: bigint;
  reportDigest: Uint8Array;
  ranges: ReportedRange[];
}

export function newTdi(functionId: number, device: bigint): TdiContext {
  return {
    state: TdiState.UNBOUND,
    functionId,
    device,
    gctx: 0n,
    asid: 0,
    guestDeviceId: 0,
    lockFlags: 0,
    sdte: false,
    reportingOffset: 0n,
    nonce: new Uint8Array(32),
    measuredAtBind: 0,
    reports: 0n,
    reportDigest: new Uint8Array(48),
    ranges: [],
  };
}

/** An interface that no guest has. What it reported, and how often, stays known. */
export function unbound(tdi: TdiContext): TdiContext {
  return { ...newTdi(tdi.functionId, tdi.device), reports: tdi.reports };
}

export const ridOf = ({ functionId }: TdiContext): number => functionId & 0xffff;

export const tdiContents: Contents<TdiContext> = {
  size: Layout.SIZE,
  absent: Status.INVALID_TDI_CTX,
  encode(tdi) {
    const bytes = new Uint8Array(Layout.SIZE);
    const view = viewOf(bytes);
    view.setUint32(Layout.STATE, tdi.state, true);
    view.setUint32(Layout.FUNCTION_ID, tdi.functionId, true);
    view.setBigUint64(Layout.DEVICE_CTX, tdi.device, true);
    view.setBigUint64(Layout.GCTX, tdi.gctx, true);
    view.setUint32(Layout.ASID, tdi.asid, true);
    view.setUint16(Layout.GUEST_DEVICE_ID, tdi.guestDeviceId, true);
    view.setUint16(Layout.TDISP_LOCK_FLAGS, tdi.lockFlags, true);
    view.setBigUint64(Layout.REPORTING_OFFSET, tdi.reportingOffset, true);
    bytes.set(tdi.nonce, Layout.START_NONCE);
    view.setBigUint64(Layout.REPORT_COUNTER, tdi.reports, true);
    bytes.set(tdi.reportDigest, Layout.REPORT_DIGEST);
    view.setUint32(Layout.FLAGS, Number(tdi.sdte) << Layout.SDTE_VALID_BIT, true);
    view.setUint32(Layout.MEAS_AT_BIND, tdi.measuredAtBind, true);
    view.setUint32(Layout.RANGE_COUNT, tdi.ranges.length, true);
    for (const [i, range] of tdi.ranges.entries()) {
      const at = Layout.RANGES + i * Range.SIZE;
      view.setBigUint64(at + Range.FIRST_4K_PAGE, range.firstPage, true);
      view.setUint32(at + Range.NUM_4K_PAGES, range.pages, true);
      view.setUint16(at + Range.ATTRIBUTES, range.attributes, true);
      view.setUint16(at + Range.RANGE_ID, range.rangeId, true);
    }
    return bytes;
  },
  decode(bytes) {
    const view = viewOf(bytes);
    const count = view.getUint32(Layout.RANGE_COUNT, true);
    return {
      state: view.getUint32(Layout.STATE, true),
      functionId: view.getUint32(Layout.FUNCTION_ID, true),
      device: view.getBigUint64(Layout.DEVICE_CTX, true),
      gctx: view.getBigUint64(Layout.GCTX, true),
      asid: view.getUint32(Layout.ASID, true),
      guestDeviceId: view.getUint16(Layout.GUEST_DEVICE_ID, true),
      lockFlags: view.getUint16(Layout.TDISP_LOCK_FLAGS, true),
      sdte: bitOf(view.getUint32(Layout.FLAGS, true), Layout.SDTE_VALID_BIT),
      reportingOffset: view.getBigUint64(Layout.REPORTING_OFFSET, true),
      nonce: bytes.slice(Layout.START_NONCE, Layout.REPORT_COUNTER),
      measuredAtBind: view.getUint32(Layout.MEAS_AT_BIND, true),
      reports: view.getBigUint64(Layout.REPORT_COUNTER, true),
      reportDigest: bytes.slice(Layout.REPORT_DIGEST, Layout.FLAGS),
      ranges: Array.from({ length: count }, (_, i) => rangeAt(view, i)),
    };
  },
};

function rangeAt(view: DataView, i: number): ReportedRange {
  const at = Layout.RANGES + i * Range.SIZE;
  return {
    firstPage: view.getBigUint64(at + Range.FIRST_4K_PAGE, true),
    pages: view.getUint32(at + Range.NUM_4K_PAGES, true),
    attributes: view.getUint16(at + Range.ATTRIBUTES, true),
    rangeId: view.getUint16(at + Range.RANGE_ID, true),
  };
}

/** Whether the device was measured since the interface was bound. */
export const isFresh = (device: DeviceContext, tdi: TdiContext): boolean =>
  tdi.state !== TdiState.UNBOUND && device.measurements > tdi.measuredAtBind;

/** Whose requests come from a device: those of its interfaces, and its own. */
export function requesterIds(tio: Tio, page: bigint, { deviceId }: DeviceContext): Set<number> {
  const of = tio.tdis().flatMap(([, tdi]) => (tdi.device === page ? [ridOf(tdi)] : []));
  return new Set([deviceId, ...of]);
}
