// Runs test/**/*.test.ts, or those under the folders named, and closes with "N passed, N failed".
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";

// Set before uvu is loaded: it then leaves the running to us.
(globalThis as { UVU_DEFER?: number }).UVU_DEFER = 1;
const { run } = await import("uvu/run");
const { tally } = await import("./kit.ts");

const wanted = process.argv.slice(2);
const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.startsWith(name)))
  .sort();

if (files.length === 0) throw new Error(`no test file under test/ matches ${wanted.join(" ")}`);

const before = Date.now();
await run(files.map((name) => ({ name, file: resolve(join("test", name)) })));

const ran = tally.passed + tally.failed;
if (ran !== tally.registered || ran === 0) {
  console.log(`${tally.registered} tests were registered, ${ran} ran`);
  tally.failed++;
}
console.log(`${Math.round((Date.now() - before) / 1000)} s`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 ? 1 : 0;
