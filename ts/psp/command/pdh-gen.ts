// PDH_GEN: a new Diffie-Hellman key; sessions under the old one end. SEV API (AMD 55766), 5.8.
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const pdhGen: CommandEntry = {
  platform: when.sevInitOrWorking,
  run({ sev }) {
    sev.generatePdh();
    return Status.SUCCESS;
  },
};
