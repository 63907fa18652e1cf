// Generations in threads of their own: the same report as in one.
import { createReadStream } from "node:fs";
import { threads } from "../../dist/cli/threads.js";
import { openTrace, replay } from "../../dist/index.js";
import { windowOf } from "../../dist/replay/reader/window.js";
import { MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("threads");

const TRACE = "examples/traces/gzip.cltr.gz";

async function reportOf(count: number, resident: number, check: "digest" | "each") {
  const trace = windowOf(await openTrace(createReadStream(TRACE), TRACE), 0, 70_000);
  const shared = count > 0 ? { threads: () => threads(count) } : {};
  // A clock that stands still: seconds are no part of what must be equal.
  const clock = { now: () => 0 };
  const report = await replay(trace, { resident, check, clock, ...shared, ...withCore });
  await trace.close();
  const generations = report.generations.map((row) => ({
    ...row,
    wallSeconds: 0,
    accessesPerSecond: 0,
  }));
  return { ...report, generations };
}

test("one, two or three threads give the report that none gives, to the last event", async () => {
  const alone = await reportOf(0, 96 * MIB, "each");
  assert.is(alone.generations.length, 6);
  for (const count of [1, 2, 3])
    assert.equal(await reportOf(count, 96 * MIB, "each"), alone, `${count} threads`);
});

test("more threads than generations are closed again", async () => {
  const few = await reportOf(8, 96 * MIB, "digest");
  assert.equal(few.generations, (await reportOf(0, 96 * MIB, "digest")).generations);
});

test("what a thread refuses is told as here", async () => {
  const refusal = async (count: number) =>
    reportOf(count, 63 * MIB, "digest").then(
      () => "nothing",
      (error: Error) => `${error.name}: ${error.message}`,
    );
  assert.is(await refusal(2), await refusal(0));
});
