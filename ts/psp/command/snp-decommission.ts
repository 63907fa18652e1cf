// SNP_DECOMMISSION: a guest is forgotten and its ASID freed; its context page becomes a Firmware page. AMD 56860, 8.
import * as Layout from "../../abi/psp/gctx.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { GuestState } from "../guest.ts";

export const snpDecommission: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  guest: [GuestState.INIT, GuestState.LAUNCH, GuestState.RUNNING],
  run(psp, buffer) {
    const gctx = buffer.getBigUint64(Layout.GCTX_PADDR, true);
    const guest = psp.contexts.open(gctx);
    if (typeof guest === "number") return guest;
    // A TDI would reach whatever guest has the ASID next.
    if (psp.tio.holds(gctx)) return Status.IN_USE;
    psp.asids.deactivate(guest.asid);
    psp.contexts.destroy(gctx);
    return Status.SUCCESS;
  },
};
