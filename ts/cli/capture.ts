// cloister capture: runs a program under valgrind's lackey and keeps its trace as it goes.
import { spawn, spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
import type { Command } from "commander";
import { wallClock } from "../clock.ts";
import { BadInput, Misuse } from "../error.ts";
import { openTrace } from "../replay/reader/open.ts";
import type { TraceReader } from "../replay/reader/reader.ts";
import { windowOf } from "../replay/reader/window.ts";
import { type Sampling, sampleOf } from "../replay/sample.ts";
import { interruptible, onAbort } from "./interrupt.ts";
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
  await interruptible((signal) => run([program, ...args], options, signal));
}

// The log has a channel of its own, and the program cannot close it: valgrind moves it out of the program's reach.
// Children of the program would write into it: they are not followed (valgrind's default).
const LOG = 3;
const TOOL = ["--tool=lackey", "--trace-mem=yes", "--trace-syscalls=yes"];
const MORE = ["--child-silent-after-fork=yes", `--log-fd=${LOG}`];

async function run(command: string[], options: Options, signal: AbortSignal): Promise<void> {
  const child = spawn("valgrind", [...TOOL, ...MORE, ...command], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
  });
  const ended = new Promise<number | null>((done) => {
    child.once("exit", done);
    child.once("error", () => done(null));
  });
  const log = child.stdio[LOG] as Readable;
  const name = `valgrind ${command[0]}`;
  const shown = progress(undefined, wallClock.now);
  try {
    const whole = await Promise.race([openTrace(log, name, "lackey"), onAbort(signal, undefined)]);
    if (!whole) throw new Misuse(`${options.out}: nothing was written`);
    await writeTrace(options.out, part(whole, options), {
      format: "cltr",
      command: ["valgrind", ...TOOL, ...command].map(quoted).join(" "),
      sampled: noteOf(options),
      signal,
      onProgress: (records) => shown.update(0, records),
    });
  } catch (error) {
    // What valgrind has to say of a program that it cannot run, it has said.
    const code = log.readableEnded && !signal.aborted ? await ended : 0;
    if (!code || !(error instanceof BadInput)) throw error;
    throw new BadInput(`${name}: ended with exit code ${code} (${error.message})`);
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
