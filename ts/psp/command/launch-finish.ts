// LAUNCH_FINISH: the guest may run; its owner's transport keys are forgotten. SEV API (AMD 55766), 6.7.
import * as Layout from "../../abi/psp/handle.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { LSECRET, sevGuestCommand } from "../sev-command.ts";
import { SevGuestState } from "../sev-guest.ts";

export const launchFinish: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [LSECRET],
  run({ guest }) {
    guest.keys.tek.fill(0);
    guest.keys.tik.fill(0);
    guest.measure = undefined;
    guest.state = SevGuestState.RUNNING;
    return Status.SUCCESS;
  },
});
