// DF_FLUSH and SNP_DF_FLUSH: the data fabric is flushed, and ASIDs given up may be used again. SEV API (AMD 55766), 5.11.
import type { CommandEntry } from "../firmware.ts";

export const dfFlush: CommandEntry = {
  size: 0,
  run: (psp) => psp.guests.flush(),
};
