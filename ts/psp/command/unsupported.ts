// RING_BUFFER, SWAP_OUT and SWAP_IN of SEV guests: numbers that the firmware knows and answers UNSUPPORTED. No driver uses them,
// and how they work is not public; LIMITATIONS.md. SEV API (AMD 55766).
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const unsupported: CommandEntry = { platform: when.ever, run: () => Status.UNSUPPORTED };
