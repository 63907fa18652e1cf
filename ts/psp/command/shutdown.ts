// SHUTDOWN: every SEV and SEV-ES guest is forgotten. SEV API (AMD 55766), 5.2.
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { forgetVmsas } from "../sev-guest.ts";

export const shutdown: CommandEntry = {
  platform: when.ever,
  run({ port, sev, asids }) {
    asids.release(false);
    for (const guest of sev.guests.values()) forgetVmsas(port, guest);
    sev.guests.clear();
    sev.isInit = false;
    sev.es = false;
    return Status.SUCCESS;
  },
};
