// uvu, wrapped once: every test has a time limit, and a file or suite that ran nothing fails.
import { suite as uvuSuite } from "uvu";

import * as uvuAssert from "uvu/assert";

/** uvu's assertions, but `throws` always wants the message. */
export const assert: Omit<typeof uvuAssert, "throws"> & { throws: typeof throws } = {
  ...uvuAssert,
  throws,
};

function throws(act: () => unknown, message: RegExp): void {
  let seen: string | undefined;
  try {
    act();
  } catch (error) {
    seen = error instanceof Error ? error.message : String(error);
  }
  if (seen === undefined) uvuAssert.unreachable(`expected an error with ${message}`);
  uvuAssert.match(seen as string, message);
}

/** Counted here because uvu only prints; test/run.ts closes with these. */
export const tally = { passed: 0, failed: 0, registered: 0 };

const LIMIT_MS = 120_000;

type Body = () => void | Promise<void>;
export type Test = (title: string, body: Body) => void;

/** A group of tests. A title is a sentence true of the hardware. Runs by itself; no `.run()` to forget. */
export function suite(name: string): Test {
  const group = uvuSuite(name);
  let tests = 0;
  queueMicrotask(() => {
    if (tests === 0) {
      tally.registered++;
      group("has tests", () => {
        tally.failed++;
        throw new Error(`suite "${name}" registered no test`);
      });
    }
    group.run();
  });
  return (title, body) => {
    tests++;
    tally.registered++;
    group(title, () => limited(title, body));
  };
}

async function limited(title: string, body: Body): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`"${title}" took over ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    await Promise.race([body(), limit]);
    tally.passed++;
  } catch (error) {
    tally.failed++;
    // A mutant (test/mutants/) is dead at the first test that notices.
    if (process.env["CLOISTER_FAIL_FAST"]) process.exit(1);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** uvu's own `throws` is synchronous: this one awaits, and wants the message too. */
export async function rejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  try {
    await promise;
  } catch (error) {
    const seen = error instanceof Error ? error.message : String(error);
    if (!message.test(seen)) throw new Error(`rejected with "${seen}", expected ${message}`);
    return;
  }
  throw new Error(`expected a rejection with ${message}`);
}

/** Says aloud what this machine cannot test, and why. CI fails on it unless the reason is allowed there. */
export function skip(what: string, why: string): void {
  process.stderr.write(`SKIPPED: ${what}: ${why}\n`);
}
