// cloister psp log: every command that passed the secure processor's mailbox, decoded.
import type { Command } from "commander";
import type { DecodedCommand } from "../psp/log.ts";
import { print } from "./output.ts";
import { DEFAULT_DIRECTORY, readLog } from "./state.ts";

/** The command with its fields, and what the firmware changed of them. */
function lineOf({ ordinal, command, status, fields }: DecodedCommand): string {
  const shown = fields.map(({ name, value, after }) =>
    after === undefined ? `${name}=${value}` : `${name}=${value}->${after}`,
  );
  return [String(ordinal).padStart(5), command.padEnd(24), status.padEnd(8), ...shown]
    .join(" ")
    .trimEnd();
}

async function log(flags: { state: string; json?: boolean }): Promise<void> {
  const commands = readLog(flags.state);
  const json = () => JSON.stringify(commands, null, 2);
  await print(flags.json ? json() : commands.map(lineOf).join("\n"));
}

export function psp(program: Command): void {
  program
    .command("psp")
    .description("the secure processor of a launched machine")
    .command("log")
    .description("every command that passed the mailbox, decoded")
    .option("--state <dir>", "what cloister launch left", DEFAULT_DIRECTORY)
    .option("--json", "as an array")
    .action(log);
}
