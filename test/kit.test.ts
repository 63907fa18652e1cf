import { assert, rejects, suite } from "./kit.ts";

const test = suite("the kit");

test("a rejection is awaited and its message compared", async () => {
  await rejects(Promise.reject(new Error("REPORT_DATA: 63 bytes, expected 64")), /expected 64/);
  await rejects(rejects(Promise.resolve(), /x/), /expected a rejection/);
});

test("an error that does not come, or says something else, fails", () => {
  assert.throws(() => assert.throws(() => 1, /x/), /expected an error/);
  assert.throws(() => {
    throw new Error("SPA 0x1001: not aligned to 0x1000");
  }, /not aligned/);
});
