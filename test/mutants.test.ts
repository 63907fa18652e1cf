// The tables of mutants keep up with the sources.
import { readFileSync } from "node:fs";
import { assert, suite } from "./kit.ts";
import { each } from "./mutants/mutant.ts";
import { tables } from "./mutants/tables.ts";

const test = suite("mutants");

test("what a mutant takes out stands in its file, once", () => {
  const rows = each(Object.values(tables).flat());
  const lost = rows.filter(({ file, text }) => readFileSync(file, "utf8").split(text).length !== 2);
  assert.equal(
    lost.map(({ file, text }) => `${file}: ${text}`),
    [],
  );
});
