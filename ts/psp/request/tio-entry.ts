// What a file of this folder whose name begins with tio- is: one guest message about an interface. AMD 58271, a draft.
import type { Exchange } from "../../spdm/exchange.ts";
import type { Form } from "../envelope.ts";
import type { TdiCall } from "../tio/command.ts";
import { DeviceState } from "../tio/device.ts";
import { TdiState } from "../tio/tdi.ts";

export interface TioAsked {
  readonly call: TdiCall;
  /** The guest that asks: its context page, its ASID, and the VMPL of the VMPCK that the message came under. */
  readonly gctx: bigint;
  readonly asid: number;
  readonly vmpl: number;
  readonly payload: Uint8Array;
  readonly view: DataView;
}

export interface TioAnswered {
  readonly payload: Uint8Array;
  /** What changes, once the response is made and counted. */
  readonly apply?: (call: TdiCall) => void;
}

export interface TioMessageEntry extends Form {
  /** Answers, or talks with the device first. What is wrong in the payload is the response's STATUS. */
  run(asked: TioAsked): TioAnswered | Exchange<TioAnswered>;
}

/** What the interface is to the guest that asks. Its own name for it stands at the front of every message. */
export function boundTo({ call, gctx, view }: TioAsked): "bound" | "unbound" | "invalid" {
  const { tdi, device } = call;
  if (tdi.state === TdiState.UNBOUND) return "unbound";
  if (tdi.gctx !== gctx || view.getUint16(0, true) !== tdi.guestDeviceId) return "invalid";
  return device.state === DeviceState.CONNECTED ? "bound" : "unbound";
}

/** A response with the request's first fields, and a status. */
export function echo(asked: TioAsked, size: number, status: number, upTo = 0): Uint8Array {
  const payload = new Uint8Array(size);
  payload.set(asked.payload.subarray(16, upTo), 16);
  const view = new DataView(payload.buffer);
  view.setUint16(0, asked.view.getUint16(0, true), true);
  view.setUint16(2, status, true);
  return payload;
}
