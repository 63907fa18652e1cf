// SNP_DF_FLUSH: the data fabric is flushed, and ASIDs given up may be used again. AMD 56860, 8.
import { type CommandEntry, when } from "../command.ts";

export const snpDfFlush: CommandEntry = {
  platform: when.snpInit,
  run: (psp) => psp.asids.flush(),
};
