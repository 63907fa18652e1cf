// SNP_PAGE_SET_STATE: Firmware pages become HV-Fixed until SNP is shut down. AMD 56860, 8; its layout is Linux's.
import * as Layout from "../../abi/psp/snp-page-set-state.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { fixPage, pageAt } from "../page.ts";
import { rangesAt } from "../ranges.ts";

export const snpPageSetState: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  run(psp, buffer) {
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    const pages = rangesAt(psp, buffer.getBigUint64(Layout.LIST_PADDR, true));
    if (typeof pages === "number") return pages;
    const entries = pages.map((spa) => pageAt(psp.port, spa));
    if (entries.some(({ state }) => state !== "firmware")) return Status.INVALID_PAGE_STATE;
    if (entries.some(({ large }) => large)) return Status.INVALID_PAGE_SIZE;
    for (const spa of pages) fixPage(psp.port, spa);
    return Status.SUCCESS;
  },
};
