// SNP_PAGE_MD_INIT: a Firmware page becomes an empty metadata page of a guest. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-page-md-init.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";
import { PAGE, pagePlace } from "../memory.ts";
import { makeMetadata } from "../metadata.ts";
import { pageAt } from "../page.ts";

export const snpPageMdInit: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run({ psp, gctx, buffer }) {
    const place = pagePlace(psp, buffer.getBigUint64(Layout.PAGE_PADDR, true));
    if (!place) return Status.INVALID_ADDRESS;
    const page = pageAt(psp.port, place.spa);
    if (page.state !== "firmware") return Status.INVALID_PAGE_STATE;
    if (page.large) return Status.INVALID_PAGE_SIZE;
    makeMetadata(psp, place.spa, gctx, new Uint8Array(PAGE));
    return Status.SUCCESS;
  },
});
