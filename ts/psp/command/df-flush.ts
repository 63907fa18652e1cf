// DF_FLUSH: the data fabric is flushed, and ASIDs given up may be used again. SEV API (AMD 55766), 5.11.
import { type CommandEntry, when } from "../command.ts";

export const dfFlush: CommandEntry = {
  platform: when.sevInitOrWorking,
  run: (psp) => psp.asids.flush(),
};
