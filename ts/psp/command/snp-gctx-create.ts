// SNP_GCTX_CREATE: a Firmware page becomes the context of a new guest. AMD 56860, 8.
import * as Layout from "../../abi/psp/gctx.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { GuestState, newContext } from "../guest.ts";
import { pageAt } from "../page.ts";

export const snpGctxCreate: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  run(psp, buffer) {
    const gctx = buffer.getBigUint64(Layout.GCTX_PADDR, true);
    if (gctx & 0xfffn || !psp.port.covered(gctx)) return Status.INVALID_ADDRESS;
    const page = pageAt(psp.port, gctx);
    if (page.state !== "firmware") return Status.INVALID_PAGE_STATE;
    if (page.large) return Status.INVALID_PAGE_SIZE;
    psp.contexts.create(gctx, newContext(GuestState.INIT));
    return Status.SUCCESS;
  },
};
