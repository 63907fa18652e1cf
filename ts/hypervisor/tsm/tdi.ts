// A TEE device interface as the hypervisor has it: its context page, the report it was locked with, and the firmware's commands
// upon it.

import * as FenceClear from "../../abi/psp/tio-asid-fence-clear.ts";
import * as GuestRequest from "../../abi/psp/tio-guest-request.ts";
import * as Bind from "../../abi/psp/tio-tdi-bind.ts";
import * as Create from "../../abi/psp/tio-tdi-create.ts";
import * as Reclaim from "../../abi/psp/tio-tdi-reclaim.ts";
import * as TdiStatus from "../../abi/psp/tio-tdi-status.ts";
import * as StatusPage from "../../abi/psp/tio-tdi-status-page.ts";
import * as Unbind from "../../abi/psp/tio-tdi-unbind.ts";
import * as Status from "../../abi/status.ts";
import * as Tdisp from "../../abi/tdisp.ts";
import { viewOf } from "../../layout.ts";
import { TioBuffer, type TioParts } from "./buffers.ts";
import type { TioDevice } from "./device.ts";
import type { TioSizes } from "./status.ts";

const PAGE = 0x1000;
/** What Linux asks for: every request by way of the root port, and MSI-X stays the host's. */
const LOCK_FLAGS = 1 << Tdisp.ALL_REQUEST_REDIRECT_BIT;

export class HostTdi {
  /** FUNCTION_ID: the Requester ID, in segment 0. */
  readonly functionId: number;
  /** The report of the last TDI_BIND; empty before. */
  report: Uint8Array = new Uint8Array(0);
  readonly device: TioDevice;
  readonly #parts: TioParts;
  readonly #context: TioBuffer;
  #gctx = 0n;

  /** TDI_CREATE; a status when it is refused. */
  static create(
    parts: TioParts,
    sizes: TioSizes,
    device: TioDevice,
    functionId: number,
  ): HostTdi | number {
    const context = new TioBuffer(parts, sizes.tdiContext, true);
    const INTERFACE_ID = new Uint8Array(12);
    viewOf(INTERFACE_ID).setUint32(0, functionId, true);
    const values = { TDI_CTX_SLA: context.sla, INTERFACE_ID };
    const status = device.command("TIO_TDI_CREATE", Create, values);
    if (status === Status.SUCCESS) return new HostTdi(parts, device, context, functionId);
    context.free();
    return status;
  }

  private constructor(parts: TioParts, device: TioDevice, context: TioBuffer, functionId: number) {
    this.#parts = parts;
    this.device = device;
    this.#context = context;
    this.functionId = functionId;
  }

  /** TDI_BIND without RUN: the interface is locked for a guest, and its report read. */
  bind(gctx: bigint, GUEST_DEVICE_ID: number, TDISP_LOCK_FLAGS: number = LOCK_FLAGS): number {
    const values = { GCTX_PADDR: gctx, GUEST_DEVICE_ID, TDISP_LOCK_FLAGS };
    const status = this.#command("TIO_TDI_BIND", Bind, values);
    if (status !== Status.SUCCESS) return status;
    this.#gctx = gctx;
    this.report = this.device.output();
    return status;
  }

  /** TDI_BIND with RUN. */
  run(): number {
    const values = { GCTX_PADDR: this.#gctx, RUN: 1 << Bind.RUN_BIT };
    return this.#command("TIO_TDI_BIND", Bind, values);
  }

  /** TDI_UNBIND, by force if the device does not go along; then the guest's fence is let go. */
  unbind(): number {
    const values = { GCTX_PADDR: this.#gctx };
    let status = this.#command("TIO_TDI_UNBIND", Unbind, values);
    if (status !== Status.SUCCESS) {
      const FLAGS = 1 << Unbind.FORCE_BIT;
      status = this.#command("TIO_TDI_UNBIND", Unbind, { ...values, FLAGS });
    }
    this.device.command("TIO_ASID_FENCE_CLEAR", FenceClear, values);
    this.#gctx = 0n;
    this.report = new Uint8Array(0);
    return status;
  }

  /** TDI_STATUS: the state that the device tells; undefined when it cannot be asked. */
  state(): number | undefined {
    const page = new TioBuffer(this.#parts, PAGE, true);
    const status = this.#command("TIO_TDI_STATUS", TdiStatus, { STATUS_PADDR: page.sla });
    const state = page.read(StatusPage.TDISP_STATE, 1)[0];
    page.free();
    return status === Status.SUCCESS ? state : undefined;
  }

  /** TIO_GUEST_REQUEST: takes a guest's message to the firmware. The answer's page is the firmware's meanwhile. */
  request(message: Uint8Array): { status: number; response?: Uint8Array } {
    const request = new TioBuffer(this.#parts, PAGE, false);
    const response = new TioBuffer(this.#parts, PAGE, true);
    request.write(0, message);
    const values = { GCTX_PADDR: this.#gctx, REQ_PADDR: request.sla, RES_PADDR: response.sla };
    const status = this.#command("TIO_GUEST_REQUEST", GuestRequest, values);
    const answer = response.read(0, PAGE);
    request.free();
    response.free();
    return status === Status.SUCCESS ? { status, response: answer } : { status };
  }

  /** TDI_RECLAIM. */
  reclaim(): number {
    const status = this.#command("TIO_TDI_RECLAIM", Reclaim);
    this.#context.free();
    return status;
  }

  #command(
    name: Parameters<TioDevice["command"]>[0],
    layout: Parameters<TioDevice["command"]>[1],
    values: Parameters<TioDevice["command"]>[2] = {},
  ): number {
    return this.device.command(name, layout, { TDI_CTX_SLA: this.#context.sla, ...values });
  }
}
