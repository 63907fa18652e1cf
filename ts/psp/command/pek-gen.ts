// PEK_GEN: a new platform endorsement key, owned by nobody. SEV API (AMD 55766), 5.4.
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const pekGen: CommandEntry = {
  platform: when.sevInit,
  run({ sev }) {
    sev.generatePek();
    return Status.SUCCESS;
  },
};
