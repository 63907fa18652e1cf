// DECOMMISSION: the firmware forgets a guest. It must have been deactivated. SEV API (AMD 55766), 6.5.
import * as Layout from "../../abi/psp/handle.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { anyState, sevGuestCommand } from "../sev-command.ts";
import { forgetVmsas } from "../sev-guest.ts";

export const decommission: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: anyState,
  run({ psp, guest }) {
    if (guest.asid !== 0) return Status.ACTIVE;
    guest.vek.fill(0);
    guest.tweakKey.fill(0);
    forgetVmsas(psp.port, guest);
    psp.sev.guests.delete(guest.handle);
    return Status.SUCCESS;
  },
});
