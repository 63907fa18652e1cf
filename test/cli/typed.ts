// A verb as it is typed, run in this process: a new one each time would cost a second on a busy machine.
import { Command } from "commander";
import { Exit, exitCodeOf } from "../../dist/cli/exit.js";
import { assert } from "../kit.ts";

export interface Seen {
  code: number;
  out: string;
  err: string;
}

type Verb = (program: Command) => void;

/** Both streams while `act` runs. */
async function captured(act: () => Promise<number>): Promise<Seen> {
  const seen = { code: 0, out: "", err: "" };
  const streams = [
    [process.stdout, "out"],
    [process.stderr, "err"],
  ] as const;
  const originals = streams.map(([stream]) => stream.write);
  for (const [stream, name] of streams) {
    stream.write = ((text: string | Uint8Array, ...rest: unknown[]) => {
      seen[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      const done = rest.at(-1);
      if (typeof done === "function") done();
      return true;
    }) as typeof stream.write;
  }
  try {
    seen.code = await act();
  } finally {
    for (const [i, [stream]] of streams.entries())
      stream.write = originals[i] as typeof stream.write;
  }
  return seen;
}

/** A command line over these verbs, as ts/cli/main.ts runs it. */
export function typing(...verbs: Verb[]): (...args: string[]) => Promise<Seen> {
  return (...args) =>
    captured(async () => {
      const program = new Command("cloister").enablePositionalOptions().exitOverride();
      for (const verb of verbs) verb(program);
      try {
        await program.parseAsync(args, { from: "user" });
        return 0;
      } catch (error) {
        const silent = error instanceof Exit && error.message === "";
        if (!silent) process.stderr.write(`cloister: ${(error as Error).message}\n`);
        return exitCodeOf(error);
      }
    });
}

/** Runs, and insists on the exit code; what was printed comes back. */
export const expecting =
  (run: (...args: string[]) => Promise<Seen>) =>
  async (code: number, ...args: string[]): Promise<string> => {
    const seen = await run(...args);
    assert.is(seen.code, code, `${args.join(" ")}: ${seen.out}${seen.err}`);
    return seen.out + seen.err;
  };
