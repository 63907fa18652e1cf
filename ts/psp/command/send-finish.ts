// SEND_FINISH: the guest has left; here it only waits to be forgotten. SEV API (AMD 55766), 6.12.
import * as Layout from "../../abi/psp/handle.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { SUPDATE, sevGuestCommand } from "../sev-command.ts";
import { SevGuestState } from "../sev-guest.ts";

export const sendFinish: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [SUPDATE],
  run({ guest }) {
    guest.keys.tek.fill(0);
    guest.keys.tik.fill(0);
    guest.state = SevGuestState.SENT;
    return Status.SUCCESS;
  },
});
