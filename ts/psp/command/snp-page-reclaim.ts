// SNP_PAGE_RECLAIM: the hypervisor gets a page back that the firmware held. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-page.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { type PageState, pageAt, setPage } from "../page.ts";
import { pageAddress } from "../page-address.ts";

const reclaimable: readonly PageState[] = ["firmware", "metadata", "pre-guest", "pre-swap"];

export const snpPageReclaim: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  /** Immutable is cleared, so: Firmware and Metadata -> Reclaim, Pre-Guest -> Guest-Invalid, Pre-Swap -> Guest-Valid. */
  run(psp, buffer) {
    const asked = pageAddress(psp, buffer.getBigUint64(Layout.PAGE_PADDR, true));
    if (typeof asked === "number") return asked;
    const { spa, large } = asked;
    const page = pageAt(psp.port, spa);
    if (!reclaimable.includes(page.state)) return Status.INVALID_PAGE_STATE;
    if (page.large !== large) return Status.INVALID_PAGE_SIZE;
    // The RMP's own pages are Firmware, and stay it.
    const set = setPage(psp.port, spa, page.asid === 0 ? { large } : { ...page, immutable: false });
    return set ? Status.SUCCESS : Status.INVALID_PAGE_STATE;
  },
};
