// Ctrl-C as a signal, for as long as an act lasts.

export const INTERRUPTED = 130;

/** Runs an act with a signal that the first Ctrl-C aborts; the process then ends with 130. */
export async function interruptible(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  try {
    await act(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write(`cloister: interrupted: ${(error as Error).message}\n`);
  } finally {
    process.removeListener("SIGINT", onInterrupt);
    if (interrupt.signal.aborted) process.exitCode = INTERRUPTED;
  }
}
