// SNP_SHUTDOWN: every guest is forgotten, the RMP stays as it is and is checked. AMD 56860, 8.
import { type CommandEntry, when } from "../command.ts";
import { shutDown } from "./snp-shutdown-ex.ts";

export const snpShutdown: CommandEntry = {
  platform: when.snpInit,
  run: (psp) => shutDown(psp, false),
};
