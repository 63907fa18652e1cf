// RECEIVE_FINISH: the guest has arrived, and may run. SEV API (AMD 55766), 6.16.
import * as Layout from "../../abi/psp/handle.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { RUPDATE, sevGuestCommand } from "../sev-command.ts";
import { SevGuestState } from "../sev-guest.ts";

export const receiveFinish: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [RUPDATE],
  run({ guest }) {
    guest.keys.tek.fill(0);
    guest.keys.tik.fill(0);
    guest.state = SevGuestState.RUNNING;
    return Status.SUCCESS;
  },
});
