// Runs test/**/*.test.ts, or those under the folders named, in a process per core, and closes with "N passed, N failed".
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type Finished, here, lane } from "./lane.ts";

const wanted = process.argv.slice(2);
const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.startsWith(name)))
  .sort();

if (files.length === 0) throw new Error(`no test file under test/ matches ${wanted.join(" ")}`);

const total: Finished = { passed: 0, failed: 0, registered: 0, output: "" };
const waiting = [...files];
const before = Date.now();

/** One lane: the next waiting file, until none waits. */
async function work(run: (file: string) => Promise<Finished>): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const result = await run(file);
    process.stdout.write(result.output);
    total.passed += result.passed;
    total.failed += result.failed;
    total.registered += result.registered;
  }
}

// A mutant is dead at the first test that notices: it runs in this process, which that test ends.
const lanes = process.env["CLOISTER_FAIL_FAST"]
  ? 1
  : Math.min(availableParallelism(), files.length);
if (lanes === 1) await work(here);
else await Promise.all(Array.from({ length: lanes }, () => work(lane())));

const ran = total.passed + total.failed;
if (ran !== total.registered || ran === 0) {
  console.log(`${total.registered} tests were registered, ${ran} ran`);
  total.failed++;
}
console.log(`${Math.round((Date.now() - before) / 1000)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);
