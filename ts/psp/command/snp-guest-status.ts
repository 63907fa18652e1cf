// SNP_GUEST_STATUS: a guest's policy, ASID and state. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-guest-status.ts";
import * as Page from "../../abi/psp/snp-guest-status-page.ts";
import * as Status from "../../abi/status.ts";
import { viewOf } from "../../layout.ts";
import { type CommandEntry, INIT, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";

export const snpGuestStatus: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [INIT, LAUNCH, RUNNING],
  run({ psp, guest, buffer }) {
    const paddr = buffer.getBigUint64(Layout.STATUS_PADDR, true);
    const status = mayWrite(psp, paddr, Page.SIZE);
    if (status !== Status.SUCCESS) return status;
    const bytes = new Uint8Array(Page.SIZE);
    viewOf(bytes).setBigUint64(Page.POLICY, guest.policy, true);
    viewOf(bytes).setUint32(Page.ASID, guest.asid, true);
    bytes[Page.STATE] = guest.state;
    writeHost(psp, paddr, bytes);
    return Status.SUCCESS;
  },
});
