// What ends an act early, Ctrl-C or a plain kill, as a signal for as long as the act lasts.
import { CheckFailed } from "../error.ts";

// 128 and the signal's number, as shells say it.
const CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Name = keyof typeof CODES;
const NAMES = Object.keys(CODES) as Name[];

/** Runs an act with a signal that the first of them aborts; the act then has to end by itself, and the exit code says why. */
export async function interruptible(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = new AbortController();
  let code = 0;
  const onSignal = (name: Name) => {
    code ||= CODES[name];
    interrupt.abort();
  };
  for (const name of NAMES) process.on(name, onSignal);
  try {
    await act(interrupt.signal);
  } catch (error) {
    if (code === 0 || error instanceof CheckFailed) throw error;
    process.stderr.write(`cloister: interrupted: ${(error as Error).message}\n`);
  } finally {
    // Once told to end, the process does not listen to its default action again: npx sends each signal twice.
    if (code !== 0) process.exitCode = code;
    else for (const name of NAMES) process.removeListener(name, onSignal);
  }
}

/** Resolves with `value` when the signal is aborted, and not before. */
export function onAbort<Value>(signal: AbortSignal | undefined, value: Value): Promise<Value> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(value);
    signal?.addEventListener("abort", () => resolve(value), { once: true });
  });
}
