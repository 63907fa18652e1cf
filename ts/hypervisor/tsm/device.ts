// A device as the hypervisor's TSM driver has it: its context page, the buffers of its conversations, and the loop that carries
// one message after another between firmware and device. What passes here is sealed. Linux sev-dev-tio.c and sev-dev-tsm.c.

import * as Command from "../../abi/command.ts";
import * as Header from "../../abi/psp/tio-buffer.ts";
import * as DataObject from "../../abi/psp/tio-data-object.ts";
import * as Connect from "../../abi/psp/tio-dev-connect.ts";
import * as Create from "../../abi/psp/tio-dev-create.ts";
import * as Disconnect from "../../abi/psp/tio-dev-disconnect.ts";
import * as Reclaim from "../../abi/psp/tio-dev-reclaim.ts";
import * as SpdmObject from "../../abi/psp/tio-spdm-object.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import * as Status from "../../abi/status.ts";
import { bufferOf, type Layout, viewOf } from "../../layout.ts";
import { dataObject, dataObjectOf } from "../../spdm/data-object.ts";
import type { Transport } from "../../spdm/exchange.ts";
import { TioBuffer, type TioParts } from "./buffers.ts";
import type { TioSizes } from "./status.ts";

/** The mailbox gave no answer: what Linux's pci_doe says by an errno. No status of the firmware's has this number. */
export const NO_ANSWER = -1;

type Values = Parameters<typeof bufferOf>[1];
export type TioName = Extract<keyof typeof Command, `TIO_${string}`>;

export class TioDevice {
  readonly #parts: TioParts;
  readonly #sizes: TioSizes;
  readonly #carry: Transport;
  #context: TioBuffer | undefined;
  #request: TioBuffer | undefined;
  #response: TioBuffer | undefined;
  #scratch: TioBuffer | undefined;
  #output: TioBuffer | undefined;

  /** `carry` takes a data object to the device's mailbox and brings its answer. */
  constructor(parts: TioParts, sizes: TioSizes, carry: Transport) {
    this.#parts = parts;
    this.#sizes = sizes;
    this.#carry = carry;
  }

  /** DEV_CREATE. */
  create(DEVICE_ID: number, ROOT_PORT_ID: number, SEGMENT_ID: number): number {
    this.#context = new TioBuffer(this.#parts, this.#sizes.deviceContext, true);
    const values = { DEVICE_ID, ROOT_PORT_ID, SEGMENT_ID };
    const status = this.command("TIO_DEV_CREATE", Create, values);
    if (status !== Status.SUCCESS) this.#freeContext();
    return status;
  }

  /** DEV_CONNECT over TC0. */
  connect(streamId: number, CERT_SLOT = 0): number {
    const { request, scratch, output } = this.#sizes;
    this.#request = new TioBuffer(this.#parts, request, true);
    this.#response = new TioBuffer(this.#parts, request, false);
    this.#scratch = new TioBuffer(this.#parts, scratch, true);
    this.#output = new TioBuffer(this.#parts, output, true);
    const IDE_STREAM_ID = new Uint8Array(8).fill(0xff);
    IDE_STREAM_ID[0] = streamId;
    return this.command("TIO_DEV_CONNECT", Connect, { TC_MASK: 1, CERT_SLOT, IDE_STREAM_ID });
  }

  /** DEV_DISCONNECT, by force if the device does not go along. */
  disconnect(): number {
    const status = this.command("TIO_DEV_DISCONNECT", Disconnect);
    if (status === Status.SUCCESS) return status;
    return this.command("TIO_DEV_DISCONNECT", Disconnect, { FLAGS: 1 << Disconnect.FORCE_BIT });
  }

  /** DEV_RECLAIM; all pages are the hypervisor's again. */
  reclaim(): number {
    const status = this.command("TIO_DEV_RECLAIM", Reclaim);
    this.#freeContext();
    for (const each of [this.#request, this.#response, this.#scratch, this.#output]) each?.free();
    this.#request = this.#response = this.#scratch = this.#output = undefined;
    return status;
  }

  #freeContext(): void {
    this.#context?.free();
    this.#context = undefined;
  }

  /** Any command upon this device: its addresses are filled in, and its messages carried. Answers the last status. */
  command(name: TioName, layout: Layout, values: Values = {}): number {
    const buffer = bufferOf(layout, { ...this.addresses(layout), ...values });
    for (;;) {
      const status = this.#parts.mailbox.send(Command[name], buffer);
      if (status === Status.EXPAND_BUFFER_LENGTH_REQUEST) this.#expand(layout, buffer);
      else if (status !== Status.SPDM_REQUEST) return status;
      else if (!this.#exchange()) return NO_ANSWER;
    }
  }

  /** The fields that are the same in every command. */
  addresses(layout: Layout): Record<string, number | bigint> {
    const all: Record<string, number | bigint> = {
      LENGTH: layout.SIZE,
      DEV_CTX_SLA: this.#context?.sla ?? 0n,
      REQ_SLA: this.#request?.sla ?? 0n,
      RESP_SLA: this.#response?.sla ?? 0n,
      SCRATCH_SLA: this.#scratch?.sla ?? 0n,
      OUTPUT_SLA: this.#output?.sla ?? 0n,
    };
    return Object.fromEntries(Object.entries(all).filter(([name]) => name in layout));
  }

  /** One message to the device and its answer back. False: it did not answer. */
  #exchange(): boolean {
    const request = this.#request as TioBuffer;
    const length = request.u32(Header.SIZE + SpdmObject.LENGTH);
    const object = request.read(Header.SIZE, length);
    const type = object[SpdmObject.DATA_TYPE] as number;
    const answer = this.#carry(dataObject(type, object.subarray(SpdmObject.SIZE)));
    const payload = answer && dataObjectOf(answer)?.payload;
    if (!payload || SpdmObject.SIZE + payload.length > request.bytes - Header.SIZE) return false;
    this.respond(type, payload);
    return true;
  }

  /** Puts an answer where the firmware looks for it. */
  respond(type: number, message: Uint8Array): void {
    const response = this.#response as TioBuffer;
    const unit = Tio.PAYLOAD_UNIT;
    const length = Math.ceil((SpdmObject.SIZE + message.length) / unit) * unit;
    const object = new Uint8Array(length);
    const view = viewOf(object);
    view.setUint32(SpdmObject.ID, Tio.ID_RESP, true);
    view.setUint32(SpdmObject.LENGTH, length, true);
    object[SpdmObject.VERSION_MAJOR] = 1;
    object[SpdmObject.DATA_TYPE] = type;
    object.set(message, SpdmObject.SIZE);
    const size = new Uint8Array(4);
    viewOf(size).setUint32(0, length, true);
    response.write(Header.PAYLOAD_SZ, size);
    response.write(Header.SIZE, object);
  }

  /** The firmware wrote how large the output must be: a larger buffer takes its place. */
  #expand(layout: Layout, buffer: Uint8Array): void {
    const old = this.#output as TioBuffer;
    const larger = new TioBuffer(this.#parts, old.u32(Header.CAPACITY_SZ), true);
    viewOf(buffer).setBigUint64(layout["OUTPUT_SLA"] as number, larger.sla, true);
    this.#output = larger;
    old.free();
  }

  /** The contents of the object that a command left in the output buffer. */
  output(): Uint8Array {
    const output = this.#output as TioBuffer;
    const length = output.u32(Header.SIZE + DataObject.LENGTH);
    return output.read(Header.SIZE, length).slice(DataObject.SIZE);
  }
}
