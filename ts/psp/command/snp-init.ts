// SNP_INIT: SNP_INIT_EX with INIT_RMP and nothing else. AMD 56860, 8.
import { type CommandEntry, when } from "../command.ts";
import { initialise } from "./snp-init-ex.ts";

export const snpInit: CommandEntry = {
  platform: when.nothingInit,
  run: (psp) => initialise(psp, { initRmp: true, raplDisabled: false, tio: false }),
};
