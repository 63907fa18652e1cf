// TIO_DEV_STATUS: what the firmware knows of a device, and which command of it is under way. A draft: AMD's Linux series of 2025.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-dev-status.ts";
import * as Page from "../../abi/psp/tio-dev-status-page.ts";
import * as Status from "../../abi/status.ts";
import { bufferOf, viewOf } from "../../layout.ts";
import type { CommandEntry } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";
import { deviceCommand, type TioCall } from "../tio/command.ts";

export const tioDevStatus: CommandEntry = deviceCommand(Command.TIO_DEV_STATUS, Layout, (call) => {
  const { psp, buffer } = call;
  const paddr = buffer.getBigUint64(Layout.STATUS_PADDR, true);
  const status = mayWrite(psp, paddr, Page.SIZE);
  if (status !== Status.SUCCESS) return status;
  writeHost(psp, paddr, statusOf(call));
  return Status.SUCCESS;
});

function statusOf({ device, live: { pending } }: TioCall): Uint8Array {
  const page = bufferOf(Page, {
    LENGTH: Page.SIZE,
    CTX_STATE: device.state,
    REQUESTS:
      (Number(pending !== undefined) << Page.REQUEST_PENDING_BIT) |
      (Number(pending?.functionId !== undefined) << Page.REQUEST_PENDING_TDI_BIT),
    CERTS_SLOT: device.certSlot,
    DEVICE_ID: device.deviceId,
    SEGMENT_ID: device.segment,
    TC_MASK: device.tcMask,
    PENDING_COMMAND: pending?.command ?? 0,
    DEVICE_FLAGS: Number(device.measurements > 0) << Page.MEAS_DIGEST_VALID_BIT,
    IDE_STREAM_ID: device.streamIds,
    CERTS_DIGEST: device.certsDigest,
    MEAS_DIGEST: device.measDigest,
    TDI_COUNT: device.tdis,
    BOUND_TDI_COUNT: device.bound,
    SPDM_ALGOS: device.algorithms,
  });
  viewOf(page).setUint32(Page.INTERFACE_ID, pending?.functionId ?? 0, true);
  return page;
}
