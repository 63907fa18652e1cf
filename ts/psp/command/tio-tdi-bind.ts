// TIO_TDI_BIND: locks an interface for a guest, and with RUN starts one that is locked. The firmware keeps the nonce between the
// two, and chooses the reporting offset. A draft: AMD's Linux series of 2025; TDISP 1.0, 11.3.8 to 11.3.14.

import { sha384 } from "@noble/hashes/sha2.js";
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-tdi-bind.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import * as Status from "../../abi/status.ts";
import * as Tdisp from "../../abi/tdisp.ts";
import { viewOf } from "../../layout.ts";
import { type Exchange, PeerFault, PeerRefusal } from "../../spdm/exchange.ts";
import type { InterfaceReport, TdispRequester } from "../../tsm/tdisp.ts";
import type { CommandEntry } from "../command.ts";
import { dataObject } from "../tio/buffer.ts";
import { bindRow, spdmTdiCommand, type TdiCall } from "../tio/command.ts";
import { runningGuest } from "../tio/guest.ts";
import { TdiState } from "../tio/tdi.ts";
import type { Finish, Session } from "../tio/tio.ts";

const bit = (position: number) => 1 << position;
/** What a guest's host may choose. */
const FREE = bit(Tdisp.NO_FW_UPDATE_BIT) | bit(Tdisp.LOCK_MSIX_BIT);
/** Cache lines of 64 bytes, no peers, and every request by way of the root port. */
const FIXED = bit(Tdisp.ALL_REQUEST_REDIRECT_BIT);
/** Pages, so that every reported page stays below 2^52. */
const OFFSET_BITS = 36n;
const PAGE_SHIFT = 12n;

export const tioTdiBind: CommandEntry = spdmTdiCommand(
  {
    id: Command.TIO_TDI_BIND,
    layout: Layout,
    begin(call) {
      const { psp, tdi, buffer, live } = call;
      const session = live.session as Session;
      const gctx = gctxOf(call);
      if (tdi.state === TdiState.LOCKED) {
        if (tdi.gctx !== gctx) return Status.INVALID_GUEST;
        return start(call, session);
      }
      const guest = runningGuest(psp, gctx);
      if (typeof guest === "number") return guest;
      if ((buffer.getUint16(Layout.TDISP_LOCK_FLAGS, true) & ~FREE) !== FIXED)
        return Status.INVALID_PARAM;
      return isTaken(call, gctx) ? Status.IN_USE : lock(call, session, guest.asid);
    },
    gctx: gctxOf,
  },
  (buffer) => bindRow(Layout, buffer),
);

function gctxOf({ buffer }: TdiCall): bigint {
  return buffer.getBigUint64(Layout.GCTX_PADDR, true);
}

/** Whether the guest calls another interface by this name. */
function isTaken({ tio, page, buffer }: TdiCall, gctx: bigint): boolean {
  const id = buffer.getUint16(Layout.GUEST_DEVICE_ID, true);
  return tio
    .tdis()
    .some(([at, tdi]) => at !== page && tdi.gctx === gctx && tdi.guestDeviceId === id);
}

function* lock(call: TdiCall, { tdisp }: Session, asid: number): Exchange<Finish<TdiCall>> {
  const { tio, tdi, buffer, device, page } = call;
  const { functionId } = tdi;
  const flags = buffer.getUint16(Layout.TDISP_LOCK_FLAGS, true);
  const [streamId] = device.streamIds as unknown as [number];
  const random = viewOf(tio.chance.bytes(8)).getBigUint64(0, true);
  const reportingOffset = BigInt.asUintN(Number(OFFSET_BITS), random) << PAGE_SHIFT;
  yield* tdisp.version(functionId);
  // What an earlier life of the connection left behind.
  if ((yield* tdisp.state(functionId)) !== Tdisp.CONFIG_UNLOCKED) yield* tdisp.stop(functionId);
  const nonce = yield* tdisp.lock(functionId, { flags, streamId, reportingOffset });
  const report = yield* reportOf(tdisp, functionId);
  if (!fits(report)) {
    yield* tdisp.stop(functionId);
    return () => Status.RESPONSE_TOO_LARGE;
  }
  return ({ dev, device: now }) => {
    tio.saveTdi(page, {
      ...tdi,
      state: TdiState.LOCKED,
      gctx: gctxOf(call),
      asid,
      guestDeviceId: buffer.getUint16(Layout.GUEST_DEVICE_ID, true),
      lockFlags: flags,
      reportingOffset,
      nonce,
      measuredAtBind: now.measurements,
      reports: tdi.reports + 1n,
      reportDigest: sha384(report.octets),
      ranges: report.ranges,
    });
    tio.saveDevice(dev, { ...now, bound: now.bound + 1 });
    return dataObject(Tio.ID_REPORT, now, report.octets);
  };
}

/** The report; an interface that refuses to give one is not left locked. */
function* reportOf(tdisp: TdispRequester, functionId: number): Exchange<InterfaceReport> {
  try {
    return yield* tdisp.report(functionId);
  } catch (error) {
    if (error instanceof PeerRefusal) yield* tdisp.stop(functionId);
    throw error;
  }
}

/** Whether the context has room for it. */
const fits = ({ ranges }: InterfaceReport): boolean => ranges.length <= Tio.MOST_RANGES;

function* start(
  { tdi: { functionId, nonce } }: TdiCall,
  { tdisp }: Session,
): Exchange<Finish<TdiCall>> {
  yield* tdisp.start(functionId, nonce);
  const state = yield* tdisp.state(functionId);
  if (state !== Tdisp.RUN)
    throw new PeerFault(`DEVICE_INTERFACE_STATE: ${state} after START, expected 2 (RUN)`);
  return ({ tio, page, tdi }) => {
    tio.saveTdi(page, { ...tdi, state: TdiState.RUN, nonce: new Uint8Array(32) });
    return Status.SUCCESS;
  };
}
