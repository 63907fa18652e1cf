// cloister capture: runs a program under valgrind's lackey and keeps its trace as it goes.
import { spawn, spawnSync } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { wallClock } from "../clock.ts";
import { BadInput } from "../error.ts";
import { openTrace } from "../replay/reader/open.ts";
import type { TraceReader } from "../replay/reader/reader.ts";
import { windowOf } from "../replay/reader/window.ts";
import { type Sampling, sampleOf } from "../replay/sample.ts";
import { interruptible } from "./interrupt.ts";
import { sampling, whole } from "./option.ts";
import { progress } from "./progress.ts";
import { writeTrace } from "./trace-out.ts";

interface Options {
  out: string;
  skip: number;
  limit?: number;
  sample?: Sampling;
}

export function capture(program: Command): void {
  program
    .command("capture")
    .description("run a program under valgrind and write its memory trace as .cltr.gz")
    .argument("<program>", "what to run; put -- before it")
    .argument("[args...]")
    .option("-o, --out <file>", "the trace", "trace.cltr.gz")
    .option("--skip <n>", "leave out the first records", whole("--skip", 0), 0)
    .option("--limit <n>", "end the program after so many records", whole("--limit", 1))
    .option("--sample <n/m>", "keep the first n of every m records", sampling)
    .passThroughOptions()
    .action(act);
}

const HINT =
  "valgrind: not found, expected it to run the program; Debian and Ubuntu: apt install valgrind; " +
  "Fedora: dnf install valgrind; or replay a trace made elsewhere";

async function act(program: string, args: string[], options: Options): Promise<void> {
  if (spawnSync("valgrind", ["--version"]).error) throw new BadInput(HINT);
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  const pipe = join(folder, "log");
  try {
    if (spawnSync("mkfifo", [pipe]).status !== 0)
      throw new BadInput("mkfifo: no named pipes here, expected some");
    await interruptible((signal) => run([program, ...args], pipe, options, signal));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(
  command: string[],
  pipe: string,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  // Children of the program would write into the same log: they are not followed (valgrind's default).
  const tool = [
    "--tool=lackey",
    "--trace-mem=yes",
    "--trace-syscalls=yes",
    "--child-silent-after-fork=yes",
    `--log-file=${pipe}`,
  ];
  const child = spawn("valgrind", [...tool, ...command], { stdio: "inherit" });
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const log = createReadStream(pipe);
  // valgrind may end without opening its log: then nobody else would, and reading would wait for ever.
  void ended.then(() => spawnSync("sh", ["-c", `: <>"$0"`, pipe]));
  const shown = progress(undefined, wallClock.now);
  try {
    const whole = await openTrace(log, `valgrind ${command[0]}`, "lackey");
    await writeTrace(options.out, part(whole, options), {
      format: "cltr",
      command: ["valgrind", ...tool.slice(0, 3), ...command].map(quoted).join(" "),
      sampled: noteOf(options),
      signal,
      onProgress: (records) => shown.update(0, records),
    });
  } finally {
    shown.stop();
    log.destroy();
    child.kill("SIGKILL");
    await ended;
  }
}

function part(whole: TraceReader, { sample, skip, limit }: Options): TraceReader {
  return windowOf(sample ? sampleOf(whole, sample) : whole, skip, limit);
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function noteOf({ sample, skip, limit }: Options): string | undefined {
  const parts = [
    ...(sample ? [`the first ${sample.keep} of every ${sample.of} records`] : []),
    ...(skip > 0 ? [`from record ${skip} on`] : []),
    ...(limit ? [`at most ${limit} records`] : []),
  ];
  return parts.length > 0 ? parts.join(", ") : undefined;
}
