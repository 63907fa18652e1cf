// SHUTDOWN: every SEV and SEV-ES guest is forgotten. SEV API (AMD 55766), 5.2.
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const shutdown: CommandEntry = {
  platform: when.ever,
  run({ sev, asids }) {
    asids.release(false);
    sev.guests.clear();
    sev.isInit = false;
    sev.es = false;
    return Status.SUCCESS;
  },
};
