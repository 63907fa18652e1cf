// TIO_GUEST_REQUEST: a message of a guest about an interface, and the firmware's answer, for which the device may be asked. AMD
// 58271, a draft: AMD's Linux series of 2025.
import * as Command from "../../abi/command.ts";
import * as Message from "../../abi/message.ts";
import * as Layout from "../../abi/psp/tio-guest-request.ts";
import * as Status from "../../abi/status.ts";
import { viewOf } from "../../layout.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import type { CommandEntry } from "../command.ts";
import { type Opened, openMessage, sealAnswer } from "../envelope.ts";
import { mayWrite, PAGE, pagePlace, writeHost } from "../memory.ts";
import type { TioAnswered, TioMessageEntry } from "../request/tio-entry.ts";
import { mmioConfig } from "../request/tio-mmio-config.ts";
import { mmioValidate } from "../request/tio-mmio-validate.ts";
import { sdteWrite } from "../request/tio-sdte-write.ts";
import { tdiInfo } from "../request/tio-tdi-info.ts";
import { spdmTdiCommand, type TdiCall } from "../tio/command.ts";
import { runningGuest } from "../tio/guest.ts";
import type { Finish } from "../tio/tio.ts";

export const tioMessages: ReadonlyMap<number, TioMessageEntry> = new Map<number, TioMessageEntry>([
  [Message.TDI_INFO_REQ, tdiInfo],
  [Message.MMIO_VALIDATE_REQ, mmioValidate],
  [Message.MMIO_CONFIG_REQ, mmioConfig],
  [Message.SDTE_WRITE_REQ, sdteWrite],
]);

type OpenedMessage = Opened<TioMessageEntry>;

export const tioGuestRequest: CommandEntry = spdmTdiCommand({
  id: Command.TIO_GUEST_REQUEST,
  layout: Layout,
  begin(call) {
    const { psp, buffer } = call;
    const gctx = gctxOf(call);
    const guest = runningGuest(psp, gctx);
    if (typeof guest === "number") return guest;
    const from = pagePlace(psp, buffer.getBigUint64(Layout.REQ_PADDR, true));
    const to = pagePlace(psp, buffer.getBigUint64(Layout.RES_PADDR, true));
    if (!from || !to || from.spa === to.spa) return Status.INVALID_ADDRESS;
    const status = mayAnswer(call);
    if (status !== Status.SUCCESS) return status;
    const request = new Uint8Array(PAGE);
    psp.port.read(from.spa, from.key, request);
    const opened = openMessage(tioMessages, guest, request);
    if (typeof opened === "number") return opened;
    const { head, entry, payload } = opened;
    const view = viewOf(payload);
    const asked = { call, gctx, asid: guest.asid, vmpl: head.vmpck, payload, view };
    const answered = entry.run(asked);
    if ("payload" in answered) return finish(call, opened, answered);
    return talk(opened, answered);
  },
  gctx: gctxOf,
});

function gctxOf({ buffer }: TdiCall): bigint {
  return buffer.getBigUint64(Layout.GCTX_PADDR, true);
}

const mayAnswer = ({ psp, buffer }: TdiCall) =>
  mayWrite(psp, buffer.getBigUint64(Layout.RES_PADDR, true), PAGE);

function* talk(opened: OpenedMessage, exchange: Exchange<TioAnswered>): Exchange<Finish<TdiCall>> {
  const answered = yield* exchange;
  return (call) => finish(call, opened, answered);
}

/** The response is sealed and counted, and what the message asked for done. */
function finish(call: TdiCall, { head }: OpenedMessage, { payload, apply }: TioAnswered): number {
  const { psp, buffer } = call;
  const gctx = gctxOf(call);
  const guest = runningGuest(psp, gctx);
  if (typeof guest === "number") return guest;
  const status = mayAnswer(call);
  if (status !== Status.SUCCESS) return status;
  const response = sealAnswer(guest, head, payload);
  if (typeof response === "number") return response;
  psp.contexts.save(gctx, guest);
  apply?.(call);
  writeHost(psp, buffer.getBigUint64(Layout.RES_PADDR, true), response);
  return Status.SUCCESS;
}
