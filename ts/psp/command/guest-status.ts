// GUEST_STATUS: a guest's policy, ASID and state. SEV API (AMD 55766), 6.6.
import * as Layout from "../../abi/psp/guest-status.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { anyState, sevGuestCommand } from "../sev-command.ts";

export const guestStatus: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: anyState,
  writesBuffer: true,
  run({ guest, buffer }) {
    buffer.setUint32(Layout.POLICY, guest.policy, true);
    buffer.setUint32(Layout.ASID, guest.asid, true);
    buffer.setUint8(Layout.STATE, guest.state);
    return Status.SUCCESS;
  },
});
