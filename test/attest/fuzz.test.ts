// A share of the fuzzer in every test run; CI runs all 200,000: `npm run fuzz`.
import { assert, suite } from "../kit.ts";
import { fuzz } from "./fuzz.ts";

const test = suite("mutated evidence");

test("gets a verdict each time, and is never accepted", async () => {
  const seed = 20261124;
  console.log(`  seed ${seed}`);
  const seen = await fuzz(3000, seed);
  const total = Object.values(seen).reduce((sum, count) => sum + count, 0);
  assert.is(total, 3000);
  // A fuzzer that only ever breaks one thing would prove little.
  assert.is(Object.keys(seen).length > 15, true, Object.keys(seen).join(" "));
});
