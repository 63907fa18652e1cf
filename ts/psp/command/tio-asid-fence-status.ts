// TIO_ASID_FENCE_STATUS: whether the IOMMU stopped a device's requests as an ASID. A draft: AMD's Linux series of 2025.

import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-asid-fence-status.ts";
import * as Page from "../../abi/psp/tio-fence-status-page.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import * as Status from "../../abi/status.ts";
import { bufferOf } from "../../layout.ts";
import type { Fence } from "../../tio-port.ts";
import type { CommandEntry } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";
import { deviceCommand } from "../tio/command.ts";
import { requesterIds } from "../tio/tdi.ts";

const dma: Record<Fence["dma"], number> = {
  none: Tio.NO_FENCE,
  error: Tio.ERROR_FENCE,
  default: Tio.FENCED,
};

export const tioAsidFenceStatus: CommandEntry = deviceCommand(
  Command.TIO_ASID_FENCE_STATUS,
  Layout,
  ({ psp, tio, buffer, dev, device }) => {
    const asid = buffer.getUint32(Layout.ASID, true);
    if (asid === 0 || asid > psp.platform.chip.asids) return Status.INVALID_ASID;
    const paddr = buffer.getBigUint64(Layout.STATUS_PADDR, true);
    const status = mayWrite(psp, paddr, Page.SIZE);
    if (status !== Status.SUCCESS) return status;
    let FENCES = 0;
    for (const rid of requesterIds(tio, dev, device)) {
      const fence = tio.board?.fence(rid, asid);
      FENCES |= fence ? dma[fence.dma] << Page.DMA_LSB : 0;
      FENCES |= fence?.mmio ? Tio.FENCED << Page.MMIO_LSB : 0;
    }
    writeHost(psp, paddr, bufferOf(Page, { FENCES }));
    return Status.SUCCESS;
  },
);
