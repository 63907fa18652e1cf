// TIO_TDI_CREATE: a Firmware page becomes the context of an interface of a connected device. A draft: AMD's Linux series of 2025.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-tdi-create.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { pageAt } from "../page.ts";
import { deviceCommand, type TioCall } from "../tio/command.ts";
import { contextPage } from "../tio/sla.ts";
import { newTdi, ridOf } from "../tio/tdi.ts";

/** FUNCTION_ID: Requester ID, segment, and whether that counts. */
const ID_BITS = 25;

export const tioTdiCreate: CommandEntry = deviceCommand(Command.TIO_TDI_CREATE, Layout, (call) => {
  const { psp, tio, buffer, dev, device } = call;
  const page = contextPage(psp, buffer.getBigUint64(Layout.TDI_CTX_SLA, true));
  if (typeof page === "number") return page;
  const functionId = functionOf(call);
  if (functionId === undefined) return Status.INVALID_PARAM;
  const { state, large } = pageAt(psp.port, page);
  if (state !== "firmware") return Status.INVALID_PAGE_STATE;
  if (large) return Status.INVALID_PAGE_SIZE;
  // However it is written, a Requester ID is one interface: the IOMMU has one entry for it.
  const made = newTdi(functionId, dev);
  const isKnown = tio.tdis().some(([, tdi]) => ridOf(tdi) === ridOf(made));
  if (isKnown) return Status.IN_USE;
  tio.createTdi(page, made);
  tio.saveDevice(dev, { ...device, tdis: device.tdis + 1 });
  return Status.SUCCESS;
});

/** FUNCTION_ID at the front of INTERFACE_ID; undefined when a reserved bit is set. */
function functionOf({ buffer }: TioCall): number | undefined {
  const id = buffer.getUint32(Layout.INTERFACE_ID, true);
  const rest = buffer.getBigUint64(Layout.INTERFACE_ID + 4, true);
  return id < 2 ** ID_BITS && rest === 0n ? id : undefined;
}
