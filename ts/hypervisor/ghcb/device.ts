// Ports and device registers: one value in RAX, or bytes in the scratch area. AMD 56421, 4.1; KVM sev_es_string_io.
import * as Layout from "../../abi/ghcb.ts";
import type { Outcome } from "../exits.ts";
import { refuse } from "./page.ts";
import { scratchOf } from "./scratch.ts";
import type { Event } from "./state.ts";

const LOW = 0xffff_ffffn;
const SIZES = 2 ** Layout.IOIO_SIZE_WIDTH - 1;

export function port(event: Event): Outcome {
  const { vm, page, info1 } = event;
  const info = Number(info1 & LOW);
  const bytes = (info >>> Layout.IOIO_SIZE_LSB) & SIZES;
  if (bytes !== 1 && bytes !== 2 && bytes !== 4) return refuse(page, Layout.INVALID_INPUT);
  const number = info >>> Layout.IOIO_PORT_LSB;
  const input = (info & (1 << Layout.IOIO_IN_BIT)) !== 0;
  if ((info & (1 << Layout.IOIO_STRING_BIT)) !== 0) return strings(event, number, bytes, input);
  const width = (1n << BigInt(8 * bytes)) - 1n;
  const rax = page.get(Layout.RAX);
  if (!input) vm.ports.write(number, bytes, Number(rax & width));
  else page.set(Layout.RAX, BigInt(vm.ports.read(number, bytes)) & width);
  return "runs";
}

/** SW_EXITINFO2 says how many items. */
function strings(event: Event, number: number, bytes: number, input: boolean): Outcome {
  const { vm, page, info2 } = event;
  const count = Number(info2 & LOW);
  const scratch = scratchOf(event, count * bytes);
  if (!scratch) return refuse(page, Layout.INVALID_SCRATCH);
  const view = viewOf(scratch.bytes);
  for (let at = 0; at < scratch.bytes.length; at += bytes) {
    if (input) put(view, at, bytes, BigInt(vm.ports.read(number, bytes)));
    else vm.ports.write(number, bytes, Number(take(view, at, bytes)));
  }
  return !input || scratch.store() ? "runs" : refuse(page, Layout.INVALID_SCRATCH);
}

export function mmioRead(event: Event): Outcome {
  const { vm, page, info1: gpa, info2 } = event;
  if (!isWidth(info2)) return refuse(page, Layout.INVALID_INPUT);
  const scratch = scratchOf(event, Number(info2));
  if (!scratch) return refuse(page, Layout.INVALID_SCRATCH);
  const bytes = Number(info2);
  put(viewOf(scratch.bytes), 0, bytes, vm.ghcb.mmio.read(gpa, bytes));
  return scratch.store() ? "runs" : refuse(page, Layout.INVALID_SCRATCH);
}

export function mmioWrite(event: Event): Outcome {
  const { vm, page, info1: gpa, info2 } = event;
  if (!isWidth(info2)) return refuse(page, Layout.INVALID_INPUT);
  const scratch = scratchOf(event, Number(info2));
  if (!scratch) return refuse(page, Layout.INVALID_SCRATCH);
  const bytes = Number(info2);
  vm.ghcb.mmio.write(gpa, bytes, take(viewOf(scratch.bytes), 0, bytes));
  return "runs";
}

const isWidth = (bytes: bigint) => bytes === 1n || bytes === 2n || bytes === 4n || bytes === 8n;

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function take(view: DataView, at: number, bytes: number): bigint {
  let value = 0n;
  for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(at + i));
  return value;
}

function put(view: DataView, at: number, bytes: number, value: bigint): void {
  for (let i = 0; i < bytes; i++) view.setUint8(at + i, Number((value >> BigInt(8 * i)) & 0xffn));
}
