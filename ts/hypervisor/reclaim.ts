// Takes back what a guest had: its pages by RMPUPDATE, its context page from the firmware. A page that cannot be taken back
// is lost, as Linux leaks it. KVM's sev_vm_destroy and snp_decommission_context; Linux snp_leak_pages.
import * as Gctx from "../abi/psp/gctx.ts";
import * as SnpPage from "../abi/psp/snp-page.ts";
import * as Answer from "../abi/rmp-state.ts";
import type { HostPort } from "../port.ts";
import type { MailboxDriver } from "./mailbox.ts";

/** A page becomes the hypervisor's. False: the RMP would not have it. */
export function takeBack(host: HostPort, spa: bigint, large: boolean): boolean {
  const pageSize = large ? "2m" : "4k";
  const state = { gpa: 0n, assigned: false, pageSize, immutable: false, asid: 0 } as const;
  return host.rmpupdate(spa, state) === Answer.SUCCESS;
}

/** The firmware forgets an SNP guest, whose ASID is free with that, and gives its context page back. */
export function decommissionSnp(host: HostPort, mailbox: MailboxDriver, gctx: bigint): boolean {
  mailbox.must("SNP_DECOMMISSION", Gctx, { GCTX_PADDR: gctx });
  mailbox.must("SNP_PAGE_RECLAIM", SnpPage, { PAGE_PADDR: gctx });
  return takeBack(host, gctx, false);
}
