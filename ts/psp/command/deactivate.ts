// DEACTIVATE: a guest gives its ASID back, and lives on. SEV API (AMD 55766), 6.3.
import * as Layout from "../../abi/psp/handle.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { anyState, sevGuestCommand } from "../sev-command.ts";

export const deactivate: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: anyState,
  run({ psp, guest }) {
    psp.asids.deactivate(guest.asid);
    guest.asid = 0;
    return Status.SUCCESS;
  },
});
