// TIO_TDI_INFO: what the firmware knows of an interface; the same that its guest asks for by message. A draft: AMD's Linux
// series of 2025.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-tdi-info.ts";
import * as Page from "../../abi/psp/tio-tdi-info-page.ts";
import * as Status from "../../abi/status.ts";
import { bufferOf, viewOf } from "../../layout.ts";
import type { CommandEntry } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";
import { type TdiCall, tdiCommand } from "../tio/command.ts";
import { isFresh } from "../tio/tdi.ts";

export const tioTdiInfo: CommandEntry = tdiCommand(Command.TIO_TDI_INFO, Layout, (call) => {
  const { psp, buffer } = call;
  const paddr = buffer.getBigUint64(Layout.STATUS_PADDR, true);
  const status = mayWrite(psp, paddr, Page.SIZE);
  if (status !== Status.SUCCESS) return status;
  writeHost(psp, paddr, infoOf(call));
  return Status.SUCCESS;
});

function infoOf({ device, tdi }: TdiCall): Uint8Array {
  const page = bufferOf(Page, {
    LENGTH: Page.SIZE,
    TDI_FLAGS:
      (Number(device.measurements > 0) << Page.MEAS_DIGEST_VALID_BIT) |
      (Number(isFresh(device, tdi)) << Page.MEAS_DIGEST_FRESH_BIT) |
      (tdi.state << Page.TDI_STATUS_LSB),
    TDISP_LOCK_FLAGS: tdi.lockFlags,
    SPDM_ALGOS: device.algorithms,
    CERTS_DIGEST: device.certsDigest,
    MEAS_DIGEST: device.measDigest,
    REPORT_DIGEST: tdi.reportDigest,
    REPORT_COUNTER: tdi.reports,
    ASID: tdi.asid,
  });
  viewOf(page).setUint32(Page.INTERFACE_ID, tdi.functionId, true);
  return page;
}
