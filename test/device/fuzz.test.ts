import { assert, suite } from "../kit.ts";
import { dice, fuzz } from "./fuzz.ts";

const test = suite("mutated messages");

test("none escapes as an exception, moves a state wrongly or brings a key out", () => {
  const answered = fuzz(8_000, 7);
  for (const kind of ["object", "clear", "record", "sealed", "tdisp"]) {
    assert.is(answered[kind]! > 30, true, `${kind}: ${answered[kind]} answered`);
  }
});

test("the same seed gives the same mutations", () => {
  const [a, b] = [dice(3), dice(3)];
  assert.equal(
    Array.from({ length: 9 }, () => a(1000)),
    Array.from({ length: 9 }, () => b(1000)),
  );
  assert.equal(fuzz(300, 5), fuzz(300, 5));
});
