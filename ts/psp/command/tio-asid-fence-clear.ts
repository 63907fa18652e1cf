// TIO_ASID_FENCE_CLEAR: the IOMMU forgets that it stopped a device's requests as a guest. A draft: AMD's Linux series of 2025.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-asid-fence-clear.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { deviceCommand } from "../tio/command.ts";
import { requesterIds } from "../tio/tdi.ts";

export const tioAsidFenceClear: CommandEntry = deviceCommand(
  Command.TIO_ASID_FENCE_CLEAR,
  Layout,
  ({ psp, tio, buffer, dev, device }) => {
    const guest = psp.contexts.open(buffer.getBigUint64(Layout.GCTX_PADDR, true));
    if (typeof guest === "number") return guest;
    if (guest.asid === 0) return Status.INACTIVE;
    for (const rid of requesterIds(tio, dev, device)) tio.board?.fenceClear(rid, guest.asid);
    return Status.SUCCESS;
  },
);
