// SEND_CANCEL: the guest stays, and runs on. Linux psp-sev.h.
import * as Layout from "../../abi/psp/handle.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { SUPDATE, sevGuestCommand } from "../sev-command.ts";
import { SevGuestState } from "../sev-guest.ts";

export const sendCancel: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [SUPDATE],
  run({ guest }) {
    guest.keys.tek.fill(0);
    guest.keys.tik.fill(0);
    guest.state = SevGuestState.RUNNING;
    return Status.SUCCESS;
  },
});
