// The documented workflow is a program, and it does what it says.
import { spawnSync } from "node:child_process";
import { assert, suite } from "../kit.ts";

const test = suite("the seven steps as an example");

test("examples/tio-workflow.mjs goes from tsm0 to a transfer into private memory, and back", () => {
  const run = spawnSync(process.execPath, ["examples/tio-workflow.mjs"], { encoding: "utf8" });
  assert.is(run.status, 0, run.stderr);
  for (const line of [
    "1. tsm0",
    "3. 0000:01:00.0 has a Secure stream",
    "before the lock the guest finds .....................",
    "5. 3 certificates, 6 measurements",
    "6. bound to tsm0",
    "7. the guest finds hello from the device",
  ])
    assert.ok(run.stdout.includes(line), `${line}: ${run.stdout}`);
  assert.not.match(run.stdout, /the host finds 68656c6c/);
});
