// A share of the TLP fuzz; `npm run fuzz` runs 200,000.
import { assert, suite } from "../kit.ts";
import { fuzzTlps } from "./tlp-fuzz.ts";

const test = suite("mutated TLPs");

test("no mutated, repeated or misdirected TLP is served, crashes an end, or brings a secret out", () => {
  const { sent, revived, answered } = fuzzTlps(3000, 20261126n);
  assert.is(sent, 3000);
  assert.ok(revived > 500 && answered > 500, `${revived} lives, ${answered} answers`);
});
