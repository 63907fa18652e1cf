// PLATFORM_RESET: the platform has no owner and no keys. SEV API (AMD 55766), 5.3.
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const platformReset: CommandEntry = {
  platform: when.sevUninit,
  run({ sev }) {
    sev.reset();
    return Status.SUCCESS;
  },
};
