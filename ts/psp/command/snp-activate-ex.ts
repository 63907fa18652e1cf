// SNP_ACTIVATE_EX: as SNP_ACTIVATE, on the core complexes of the APIC ids listed. AMD 56860, 8.
import * as Policy from "../../abi/guest-policy.ts";
import * as Layout from "../../abi/psp/snp-activate-ex.ts";
import * as Status from "../../abi/status.ts";
import { apicIds } from "../apic-ids.ts";
import { type CommandEntry, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";
import { allows } from "../policy.ts";
import { activate } from "./snp-activate.ts";

export const snpActivateEx: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run(call) {
    const { psp, guest, buffer } = call;
    if (buffer.getUint32(Layout.EX_LEN, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    const count = buffer.getUint32(Layout.NUMIDS, true);
    const sockets = apicIds(psp, buffer.getBigUint64(Layout.IDS_PADDR, true), count);
    if (typeof sockets === "number") return sockets;
    const isSpread = sockets.size > 1;
    if (isSpread && allows(guest.policy, Policy.SINGLE_SOCKET_BIT)) return Status.POLICY_FAILURE;
    return activate(call, buffer.getUint32(Layout.ASID, true));
  },
});
