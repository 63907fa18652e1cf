// Exit codes: 0 done, 1 misuse, 2 bad input, 3 a check inside the emulator failed; and those of `check`, which are go-sev-guest's.
import { CommanderError } from "commander";
import { BadInput, Misuse, Unimplemented } from "../error.ts";

/** An exit code other than those above. */
export class Exit extends Error {
  override name = "Exit";
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The exit code an error earns, by what it says of its cause. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
  if (error instanceof Exit) return error.exitCode;
  if (error instanceof Misuse || error instanceof Unimplemented) return 1;
  if (error instanceof BadInput) return 2;
  return 3;
}
