// NOP: nothing. Its number and name alone are public (AMD sev-tool).
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const nop: CommandEntry = { platform: when.ever, run: () => Status.SUCCESS };
