// The road that every command of SEV-TIO goes: is it enabled, are the contexts in order, does the state allow it; and where the
// device is asked, the loop in which the host carries one message after another. AMD 58271 5; spec digest sev-tio.md 3.
import * as Command from "../../abi/command.ts";
import * as Status from "../../abi/status.ts";
import * as Tdisp from "../../abi/tdisp.ts";
import { BadInput } from "../../error.ts";
import { bitOf, type Layout } from "../../layout.ts";
import { dataObjectOf, dataObject as doeObject } from "../../spdm/data-object.ts";
import { type Exchange, PeerRefusal } from "../../spdm/exchange.ts";
import { type CommandEntry, when } from "../command.ts";
import type { Psp } from "../firmware.ts";
import {
  readResponse,
  type SpdmBuffers,
  spdmBuffers,
  writeOutput,
  writeRequest,
} from "./buffer.ts";
import { type DeviceContext, DeviceState } from "./device.ts";
import { contextPage } from "./sla.ts";
import { deviceTable, FORCE, START, tdiTable } from "./states.ts";
import type { TdiContext } from "./tdi.ts";
import type { Finish, Live, Pending, Tio } from "./tio.ts";

/** What a command has to do with. */
export interface TioCall {
  psp: Psp;
  tio: Tio;
  buffer: DataView;
  /** The device's context page, and what is in it. */
  dev: bigint;
  device: DeviceContext;
  live: Live;
  /** FLAGS.FORCE: the device is not asked. */
  force: boolean;
}

/** ... of a command upon an interface. */
export interface TdiCall extends TioCall {
  page: bigint;
  tdi: TdiContext;
}

/** Why SEV-TIO's commands cannot be had, or SUCCESS. */
export function enabled({ platform, tio }: Psp, init = true): number {
  if (!platform.features.tio) return Status.UNSUPPORTED;
  return platform.tio && tio.isInit === init ? Status.SUCCESS : Status.INVALID_PLATFORM_STATE;
}

/** A command's frame: enabled, and as long as it says. */
export function tioCommand(
  layout: Layout,
  run: (psp: Psp, buffer: DataView) => number,
): CommandEntry {
  return {
    layout,
    platform: when.snpInit,
    run(psp, buffer) {
      const status = enabled(psp);
      if (status !== Status.SUCCESS) return status;
      if (!isLong(layout, buffer)) return Status.INVALID_LENGTH;
      return run(psp, buffer);
    },
  };
}

/** Whether LENGTH is the buffer's. */
export const isLong = (layout: Layout, buffer: DataView): boolean =>
  buffer.getUint32(layout["LENGTH"] as number, true) === layout.SIZE;

/** A command upon a device that says nothing to it. */
export function deviceCommand(
  id: number,
  layout: Layout,
  run: (call: TioCall) => number,
): CommandEntry {
  return tioCommand(layout, (psp, buffer) => {
    const call = deviceCall(psp, buffer, layout);
    if (typeof call === "number") return call;
    const status = mayDevice(call, id);
    return status === Status.SUCCESS ? run(call) : status;
  });
}

/** A command upon an interface that says nothing to its device. */
export function tdiCommand(
  id: number,
  layout: Layout,
  run: (call: TdiCall) => number,
): CommandEntry {
  return deviceCommand(id, layout, (call) => {
    const found = tdiCall(call, layout, id);
    return typeof found === "number" ? found : run(found);
  });
}

/** The call with its device's context opened, or why it cannot be. */
function deviceCall(psp: Psp, buffer: DataView, layout: Layout): TioCall | number {
  const { tio } = psp;
  const sla = buffer.getBigUint64(layout["DEV_CTX_SLA"] as number, true);
  const dev = contextPage(psp, sla);
  if (typeof dev === "number") return dev;
  const device = tio.device(dev);
  if (typeof device === "number") return device;
  const bit = layout["FORCE_BIT"];
  const force = bit !== undefined && bitOf(buffer.getUint32(layout["FLAGS"] as number, true), bit);
  return { psp, tio, buffer, dev, device, live: tio.live(dev), force };
}

/** Whether the device's state, and what is under way, allow a command. */
function mayDevice({ device, live, force }: TioCall, id: number): number {
  const row = deviceTable.get(id) as readonly number[];
  const pending = live.pending ? (row[3] as number) : Status.SUCCESS;
  const inState = row[device.state] as number;
  for (const status of [pending, inState]) {
    if (status === FORCE && !force) return live.pending ? Status.INVALID_DEV_STATE : BROKEN;
    if (status !== FORCE && status !== Status.SUCCESS) return status;
  }
  return Status.SUCCESS;
}
const BROKEN = Status.ERR_IN_DEV_CONN;

/** The call with its interface's context opened, or why it cannot be. */
function tdiCall(call: TioCall, layout: Layout, id: number): TdiCall | number {
  const { psp, tio, buffer, dev } = call;
  const page = contextPage(psp, buffer.getBigUint64(layout["TDI_CTX_SLA"] as number, true));
  if (typeof page === "number") return page;
  const tdi = tio.tdi(page);
  if (typeof tdi === "number") return tdi;
  if (tdi.device !== dev) return Status.INVALID_TDI_CTX;
  const status = (tdiTable.get(id) as readonly number[])[tdi.state] as number;
  return status === Status.SUCCESS ? { ...call, page, tdi } : status;
}

/** A command that talks with the device. */
export interface SpdmCommand<Call extends TioCall> {
  id: number;
  layout: Layout;
  /** Refuses by a status, is done by SUCCESS, or begins a conversation; then nothing has changed yet. */
  begin(call: Call): Exchange<Finish<Call>> | number;
  /** What a conversation that broke leaves behind, beside the session's end; by default nothing. */
  broken?(call: Call): void;
  /** The guest that it is for. */
  gctx?(call: Call): bigint;
}

/** One that is about the device. */
export function spdmCommand(command: SpdmCommand<TioCall>): CommandEntry {
  return conversation(command, (call) => call);
}

/** One that is about an interface. `idOf` says which row of the table a buffer means. */
export function spdmTdiCommand(
  command: SpdmCommand<TdiCall>,
  idOf: (buffer: DataView) => number = () => command.id,
): CommandEntry {
  const { layout } = command;
  return conversation(command, (call) => tdiCall(call, layout, idOf(call.buffer)));
}

/** TDI_BIND's row: with RUN it starts, without it locks. */
export const bindRow = (layout: Layout, buffer: DataView): number =>
  bitOf(buffer.getUint16(layout["RUN"] as number, true), layout["RUN_BIT"] as number)
    ? START
    : Command.TIO_TDI_BIND;

function conversation<Call extends TioCall>(
  command: SpdmCommand<Call>,
  narrow: (call: TioCall) => Call | number,
): CommandEntry {
  const { id, layout } = command;
  return tioCommand(layout, (psp, buffer) => {
    const call = deviceCall(psp, buffer, layout);
    if (typeof call === "number") return call;
    const { pending } = call.live;
    const goesOn = pending !== undefined && isSame(pending, id, layout, buffer);
    const status = goesOn ? Status.SUCCESS : mayDevice(call, id);
    if (status !== Status.SUCCESS) return status;
    const narrowed = narrow(call);
    if (typeof narrowed === "number") return narrowed;
    const buffers = spdmBuffers(psp, buffer, layout);
    if (typeof buffers === "number") return buffers;
    return goesOn ? resume(command, narrowed, buffers, pending) : start(command, narrowed, buffers);
  });
}

/** Whether a buffer is that of the command under way. Scratch and output may have grown. */
function isSame(pending: Pending, id: number, layout: Layout, buffer: DataView): boolean {
  if (pending.command !== id) return false;
  const from = layout["SCRATCH_SLA"] as number;
  const to = from + 16;
  return pending.buffer.every((byte, i) => (i >= from && i < to) || byte === buffer.getUint8(i));
}

function start<Call extends TioCall>(
  command: SpdmCommand<Call>,
  call: Call,
  buffers: SpdmBuffers,
): number {
  const begun = command.begin(call);
  if (typeof begun === "number") return begun;
  const { buffer, live } = call;
  const tdi = "tdi" in call ? (call as unknown as TdiCall).tdi : undefined;
  live.pending = {
    command: command.id,
    buffer: new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice(),
    exchange: begun,
    dataType: 0,
    gctx: command.gctx?.(call) ?? tdi?.gctx ?? 0n,
    functionId: tdi?.functionId,
    object: undefined,
  };
  return step(command, call, buffers, live.pending, undefined);
}

function resume<Call extends TioCall>(
  command: SpdmCommand<Call>,
  call: Call,
  buffers: SpdmBuffers,
  pending: Pending,
): number {
  if (pending.object) return give(call, buffers, pending, pending.object);
  const answer = readResponse(call.psp, buffers.response, pending.dataType);
  if (typeof answer === "number") return answer;
  return step(command, call, buffers, pending, doeObject(pending.dataType, answer));
}

/** Goes on to the next message, or to the end. */
function step<Call extends TioCall>(
  command: SpdmCommand<Call>,
  call: Call,
  buffers: SpdmBuffers,
  pending: Pending,
  answer: Uint8Array | undefined,
): number {
  let next: IteratorResult<Uint8Array, Finish<never>>;
  try {
    next = answer ? pending.exchange.next(answer) : pending.exchange.next();
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    return fail(command, call, error);
  }
  if (next.done) {
    const made = next.value(call as never);
    if (typeof made !== "number") return give(call, buffers, pending, made);
    call.live.pending = undefined;
    return made;
  }
  const { type, payload } = dataObjectOf(next.value) as { type: number; payload: Uint8Array };
  pending.dataType = type;
  writeRequest(call.psp, buffers.request, type, payload);
  return Status.SPDM_REQUEST;
}

/** Gives the host an object. While its buffer is too small the command stays under way. */
function give(call: TioCall, buffers: SpdmBuffers, pending: Pending, object: Uint8Array): number {
  const status = writeOutput(call.psp, buffers.output, object);
  const waits = status === Status.EXPAND_BUFFER_LENGTH_REQUEST;
  pending.object = waits ? object : undefined;
  if (!waits) call.live.pending = undefined;
  return status;
}

/** The device, or who stands between, did not keep to the protocol. Only a refusal leaves a session whole; else it is over, and the
 *  stream with it. */
function fail<Call extends TioCall>(
  command: SpdmCommand<Call>,
  call: Call,
  error: BadInput,
): number {
  const { tio, dev, live } = call;
  live.pending = undefined;
  command.broken?.(call);
  const refused = error instanceof PeerRefusal;
  if (live.session && !(refused && live.session.session.isOpen)) {
    tio.cutOff(dev);
    tio.endSession(dev);
    tio.saveDevice(dev, { ...live.device, state: DeviceState.ERROR });
  }
  const unknown = refused && error.code === Tdisp.INVALID_INTERFACE;
  return unknown ? Status.INVALID_TDI : Status.SPDM_ERROR;
}
