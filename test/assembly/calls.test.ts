// What must stay in registers makes no call: asc takes functions into others as their sizes come out, and a call that is left
// costs a walk a tenth or more. docs/performance.md, "An access".
import { readFileSync } from "node:fs";
import { assert, suite } from "../kit.ts";

const test = suite("functions without a call");

const functions = [
  "replay/runHits",
  "followed/walkFollowed",
  "remembered/walkRemembered",
  "drill/checkEach",
];

test("what runs for each access, walk and check is one function of the release core", () => {
  const wat = readFileSync("build/release.wat", "utf8");
  for (const name of functions) {
    const start = wat.indexOf(`(func $assembly/${name} `);
    assert.ok(start > 0, name);
    const body = wat.slice(start, wat.indexOf("\n (func ", start));
    assert.equal(body.match(/\bcall\S* \S+/g) ?? [], [], name);
  }
});
