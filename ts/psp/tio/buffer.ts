// The buffers of an SPDM control structure, and the data objects in them. AMD 58271 5.1 and 5.2; Linux sev-dev-tio.c.

import * as Buffer from "../../abi/psp/tio-buffer.ts";
import * as DataObject from "../../abi/psp/tio-data-object.ts";
import * as SpdmObject from "../../abi/psp/tio-spdm-object.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import * as Status from "../../abi/status.ts";
import { isWellFormed, type Layout, viewOf } from "../../layout.ts";
import type { Psp } from "../firmware.ts";
import { PAGE, type Place } from "../memory.ts";
import type { DeviceContext } from "./device.ts";
import * as Sizes from "./sizes.ts";
import { allAre, pagesOf, readPages, writePages } from "./sla.ts";

/** A buffer that was found in order. */
export interface SpdmBuffer {
  pages: readonly Place[];
  /** Bytes with the header. */
  capacity: number;
}

export interface SpdmBuffers {
  request: SpdmBuffer;
  response: SpdmBuffer;
  scratch: SpdmBuffer;
  output: SpdmBuffer;
}

type Owner = "firmware" | "hypervisor";

const padded = (bytes: number) => Math.ceil(bytes / Tio.PAYLOAD_UNIT) * Tio.PAYLOAD_UNIT;

/** The buffer at an address, or why it is none. What its header says of its capacity must fit its pages. */
function bufferAt(psp: Psp, sla: bigint, owner: Owner, least: number): SpdmBuffer | number {
  const pages = pagesOf(psp, sla);
  if (typeof pages === "number") return pages;
  const status = allAre(psp, pages, owner);
  if (status !== Status.SUCCESS) return status;
  const header = readPages(psp, pages, 0, Buffer.SIZE);
  const capacity = viewOf(header).getUint32(Buffer.CAPACITY_SZ, true);
  const fits = capacity >= least && capacity <= pages.length * PAGE;
  return fits ? { pages, capacity } : Status.INCORRECT_BUFFER_LENGTH;
}

/** The four buffers of a command, or why they are not in order. */
export function spdmBuffers(psp: Psp, command: DataView, layout: Layout): SpdmBuffers | number {
  const at = (field: string, owner: Owner, least: number) =>
    bufferAt(psp, command.getBigUint64(layout[field] as number, true), owner, least);
  const request = at("REQ_SLA", "firmware", Sizes.REQUEST);
  if (typeof request === "number") return request;
  const response = at("RESP_SLA", "hypervisor", Sizes.REQUEST);
  if (typeof response === "number") return response;
  const scratch = at("SCRATCH_SLA", "firmware", Sizes.SCRATCH);
  if (typeof scratch === "number") return scratch;
  const output = at("OUTPUT_SLA", "firmware", Sizes.OUTPUT_MIN);
  if (typeof output === "number") return output;
  return { request, response, scratch, output };
}

function writeObject(psp: Psp, { pages, capacity }: SpdmBuffer, object: Uint8Array): void {
  const payload = padded(object.length);
  const bytes = new Uint8Array(Buffer.SIZE + payload);
  viewOf(bytes).setUint32(Buffer.CAPACITY_SZ, capacity, true);
  viewOf(bytes).setUint32(Buffer.PAYLOAD_SZ, payload, true);
  bytes.set(object, Buffer.SIZE);
  writePages(psp, pages, 0, bytes);
}

/** Asks the host to carry an SPDM message. */
export function writeRequest(
  psp: Psp,
  to: SpdmBuffer,
  dataType: number,
  message: Uint8Array,
): void {
  const object = new Uint8Array(SpdmObject.SIZE + message.length);
  const view = viewOf(object);
  view.setUint32(SpdmObject.ID, Tio.ID_REQ, true);
  view.setUint32(SpdmObject.LENGTH, object.length, true);
  object[SpdmObject.VERSION_MAJOR] = 1;
  object[SpdmObject.DATA_TYPE] = dataType;
  object.set(message, SpdmObject.SIZE);
  writeObject(psp, to, object);
}

/** What the host carried back, with the zeros that fill it up, or why it is no answer. */
export function readResponse(psp: Psp, from: SpdmBuffer, dataType: number): Uint8Array | number {
  const header = viewOf(readPages(psp, from.pages, 0, Buffer.SIZE));
  if (!isWellFormed(Buffer, header)) return Status.INVALID_PARAM;
  if (header.getUint32(Buffer.FLAGS, true) !== 0) return Status.INVALID_PARAM;
  const payload = header.getUint32(Buffer.PAYLOAD_SZ, true);
  const inOrder = payload % Tio.PAYLOAD_UNIT === 0 && payload > SpdmObject.SIZE;
  if (!inOrder || payload > from.capacity - Buffer.SIZE) return Status.INCORRECT_BUFFER_LENGTH;
  const object = readPages(psp, from.pages, Buffer.SIZE, payload);
  const view = viewOf(object);
  if (view.getUint32(SpdmObject.LENGTH, true) !== payload) return Status.INCORRECT_BUFFER_LENGTH;
  const isAnswer =
    view.getUint32(SpdmObject.ID, true) === Tio.ID_RESP &&
    object[SpdmObject.VERSION_MAJOR] === 1 &&
    object[SpdmObject.VERSION_MINOR] === 0 &&
    object[SpdmObject.DATA_TYPE] === dataType &&
    isWellFormed(SpdmObject, view);
  return isAnswer ? object.subarray(SpdmObject.SIZE) : Status.INVALID_PARAM;
}

/** A CERTIFICATE, MEASUREMENT or REPORT. */
export function dataObject(id: number, device: DeviceContext, data: Uint8Array): Uint8Array {
  const object = new Uint8Array(DataObject.SIZE + data.length);
  const view = viewOf(object);
  view.setUint32(DataObject.ID, id, true);
  view.setUint32(DataObject.LENGTH, object.length, true);
  object[DataObject.VERSION_MAJOR] = 1;
  view.setUint16(DataObject.DEVICE_ID, device.deviceId, true);
  object[DataObject.SEGMENT_ID] = device.segment;
  object[DataObject.TYPE] = Tio.TYPE_1;
  object.set(data, DataObject.SIZE);
  return object;
}

/** Writes an object for the host. A buffer too small is told what it must have, and nothing else is written. */
export function writeOutput(psp: Psp, to: SpdmBuffer, object: Uint8Array): number {
  const needed = Buffer.SIZE + padded(object.length);
  if (needed > Sizes.OUTPUT_MAX) return Status.RESPONSE_TOO_LARGE;
  if (needed <= to.capacity) {
    writeObject(psp, to, object);
    return Status.SUCCESS;
  }
  const word = new Uint8Array(4);
  viewOf(word).setUint32(0, Math.ceil(needed / PAGE) * PAGE, true);
  writePages(psp, to.pages, Buffer.CAPACITY_SZ, word);
  return Status.EXPAND_BUFFER_LENGTH_REQUEST;
}
