// A process that runs test files one at a time, as test/run.ts hands them over.
import { type ChildProcess, fork } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** What one file's tests came to, and what they printed. */
export interface Finished {
  passed: number;
  failed: number;
  registered: number;
  output: string;
}

type Group = [name: string, ...suites: unknown[]];

/** Runs one file in this process; its output goes straight out. */
export async function here(file: string): Promise<Finished> {
  const uvu = globalThis as { UVU_DEFER?: number; UVU_INDEX?: number; UVU_QUEUE?: Group[] };
  // Set before uvu is loaded: it then leaves the running to us.
  uvu.UVU_DEFER = 1;
  const { exec } = await import("uvu");
  const { tally } = await import("./kit.ts");
  const before = { ...tally };
  uvu.UVU_INDEX = 0;
  uvu.UVU_QUEUE!.splice(0, Infinity, [file]);
  await import(resolve("test", file));
  await exec();
  return {
    passed: tally.passed - before.passed,
    failed: tally.failed - before.failed,
    registered: tally.registered - before.registered,
    output: "",
  };
}

/** A new process; a file that ends it is a failed test, and the next file gets another. */
export function lane(): (file: string) => Promise<Finished> {
  let child: ChildProcess | undefined;
  return (file) =>
    new Promise((done) => {
      child ??= fork(fileURLToPath(import.meta.url), { execArgv: ["--import", "tsx"] });
      const ended = (code: number | null) => {
        child = undefined;
        const output = `${file}: its process ended with ${code}\n`;
        done({ passed: 0, failed: 1, registered: 1, output });
      };
      child.once("exit", ended);
      child.once("message", (result) => {
        child?.off("exit", ended);
        done(result as Finished);
      });
      child.send(file);
    });
}

async function captured(file: string): Promise<Finished> {
  const write = process.stdout.write;
  let output = "";
  process.stdout.write = ((text: string | Uint8Array) => {
    output += typeof text === "string" ? text : Buffer.from(text).toString();
    return true;
  }) as typeof write;
  try {
    const result = await here(file);
    // uvu closes every file with a sum of its own; test/run.ts prints one at the end.
    const sum = output.lastIndexOf("\n  Total:");
    return { ...result, output: sum < 0 ? output : output.slice(0, sum) };
  } finally {
    process.stdout.write = write;
  }
}

// The other end: started by `lane` above.
if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.on("message", async (file: string) => {
    const result = await captured(file);
    process.send?.(result);
  });
}
