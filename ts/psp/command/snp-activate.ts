// SNP_ACTIVATE: a guest's key goes into the slot of an ASID. AMD 56860, 8.
import * as Policy from "../../abi/guest-policy.ts";
import * as Layout from "../../abi/psp/snp-activate.ts";
import * as Status from "../../abi/status.ts";
import { hex } from "../../attest/bytes.ts";
import {
  type CommandEntry,
  LAUNCH,
  RUNNING,
  type SnpGuestCall,
  snpGuestCommand,
} from "../command.ts";
import { allows } from "../policy.ts";

export const snpActivate: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run(call) {
    const { psp, guest, buffer } = call;
    // Without a list of cores the guest would be activated on all of them.
    const isSpread = psp.platform.sockets > 1;
    if (isSpread && allows(guest.policy, Policy.SINGLE_SOCKET_BIT)) return Status.POLICY_FAILURE;
    return activate(call, buffer.getUint32(Layout.ASID, true));
  },
});

export function activate({ psp, guest }: SnpGuestCall, asid: number): number {
  if (guest.asid !== 0) return Status.ACTIVE;
  const { vek, tweakKey } = guest;
  const status = psp.asids.activate({ kind: "snp", id: hex(guest.reportId), vek, tweakKey }, asid);
  if (status === Status.SUCCESS) guest.asid = asid;
  return status;
}
