// TIO_STATUS: whether SEV-TIO is enabled and initialised, and how large its buffers are. AMD 58271; Linux sev-dev-tio.c.
import * as Layout from "../../abi/psp/tio-status.ts";
import * as Page from "../../abi/psp/tio-status-page.ts";
import * as Status from "../../abi/status.ts";
import { bufferOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";
import { isLong } from "../tio/command.ts";
import * as Sizes from "../tio/sizes.ts";

export const tioStatus: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  run(psp, buffer) {
    const { platform, tio } = psp;
    if (!platform.features.tio) return Status.UNSUPPORTED;
    if (!isLong(Layout, buffer)) return Status.INVALID_LENGTH;
    const paddr = buffer.getBigUint64(Layout.STATUS_PADDR, true);
    const status = mayWrite(psp, paddr, Page.SIZE);
    if (status !== Status.SUCCESS) return status;
    const page = bufferOf(Page, {
      LENGTH: Page.SIZE,
      FLAGS:
        (Number(platform.tio) << Page.TIO_EN_BIT) | (Number(tio.isInit) << Page.TIO_INIT_DONE_BIT),
      SPDM_REQ_SIZE_MIN: Sizes.REQUEST,
      SPDM_REQ_SIZE_MAX: Sizes.REQUEST,
      SPDM_SCRATCH_SIZE_MIN: Sizes.SCRATCH,
      SPDM_SCRATCH_SIZE_MAX: Sizes.SCRATCH,
      SPDM_OUT_SIZE_MIN: Sizes.OUTPUT_MIN,
      SPDM_OUT_SIZE_MAX: Sizes.OUTPUT_MAX,
      SPDM_RSP_SIZE_MIN: Sizes.REQUEST,
      SPDM_RSP_SIZE_MAX: Sizes.REQUEST,
      DEVCTX_SIZE: Sizes.CONTEXT,
      TDICTX_SIZE: Sizes.CONTEXT,
    });
    writeHost(psp, paddr, page);
    return Status.SUCCESS;
  },
};
