// A runtime that compiles nothing: the core comes as a module, and traces are read with it.
import { spawnSync } from "node:child_process";
import { assert, suite } from "../kit.ts";

const test = suite("a core that was compiled elsewhere");

/** Reads a shipped trace where WebAssembly.Module can make nothing more. */
function reading(given: string): { code: number | null; out: string } {
  const script = `
    const { readFileSync, createReadStream } = await import("node:fs");
    const module = new WebAssembly.Module(readFileSync("build/scalar.wasm"));
    WebAssembly.Module = function () { throw new WebAssembly.CompileError("forbidden"); };
    const { openTrace } = await import("./dist/index.js");
    const { Batch } = await import("./dist/replay/record.js");
    const name = "examples/traces/chase.cltr.gz";
    const trace = await openTrace(createReadStream(name), name, undefined, ${given});
    console.log(await trace.next(new Batch()));
    process.exit();`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  return { code: run.status, out: `${run.stdout}${run.stderr}` };
}

test("reads .cltr where compiling is forbidden", () => {
  assert.equal(reading("module"), { code: 0, out: "65536\n" });
});

test("cannot be done without: the engine's own refusal is what a user sees", () => {
  assert.match(reading("undefined").out, /CompileError: forbidden/);
});
