// SNP_DEACTIVATE: a guest gives its ASID back and lives on. The field guide's own; AMD's ABI has none. DESIGN.md 3 and 5.
import * as Layout from "../../abi/psp/gctx.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";

export const snpDeactivate: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run({ psp, guest, gctx }) {
    if (psp.platform.dialect !== "field-guide") return Status.INVALID_COMMAND;
    if (psp.tio.holds(gctx)) return Status.IN_USE;
    psp.asids.deactivate(guest.asid);
    guest.asid = 0;
    return Status.SUCCESS;
  },
});
