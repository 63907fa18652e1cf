// cloister convert: a trace in another format, or a part of it.
import type { Command } from "commander";
import { wallClock } from "../clock.ts";
import { traceFormats } from "../replay/reader/open.ts";
import type { TraceFormat } from "../replay/reader/reader.ts";
import { windowOf } from "../replay/reader/window.ts";
import { type Sampling, sampleOf } from "../replay/sample.ts";
import { type WrittenFormat, writtenFormats } from "../replay/writer.ts";
import { interruptible } from "./interrupt.ts";
import { oneOf, sampling, whole } from "./option.ts";
import { print } from "./output.ts";
import { progress } from "./progress.ts";
import { openTraceFile } from "./trace-file.ts";
import { writeTrace } from "./trace-out.ts";

interface Options {
  format?: TraceFormat;
  to: WrittenFormat;
  skip: number;
  limit?: number;
  sample?: Sampling;
  command?: string;
  sampled?: string;
  json?: boolean;
}

export function convert(program: Command): void {
  program
    .command("convert")
    .description("write a trace in another format, or a part of it")
    .argument("<in>", 'any trace that can be read; "-" for standard input')
    .argument("<out>", 'gzipped if it ends in .gz; "-" for standard output')
    .option(
      "--format <name>",
      "of the input, if its content must not decide",
      oneOf("--format", traceFormats),
    )
    .option("--to <format>", writtenFormats.join(", "), oneOf("--to", writtenFormats), "cltr")
    .option("--skip <n>", "leave out the first records", whole("--skip", 0), 0)
    .option("--limit <n>", "write at most so many records", whole("--limit", 1))
    .option("--sample <n/m>", "keep the first n of every m records", sampling)
    .option("--command <text>", "note the command that captured it (.cltr)")
    .option("--sampled <text>", "note which part it is (.cltr)")
    .option("--json", "print the counts")
    .action(act);
}

async function act(from: string, to: string, options: Options): Promise<void> {
  const { trace: all, bytes } = await openTraceFile(from, options.format);
  const sampled = options.sample ? sampleOf(all, options.sample) : all;
  const trace = windowOf(sampled, options.skip, options.limit);
  const shown = progress(bytes, wallClock.now);
  await interruptible(async (signal) => {
    try {
      await writeTrace(to, trace, {
        format: options.to,
        command: options.command,
        sampled: options.sampled ?? noteOf(options, all.sampled),
        signal,
        onProgress: (records) => shown.update(all.bytes, records),
      });
    } finally {
      shown.stop();
      // An interrupted read of a pipe never ends, and closing would wait for it; the process ends instead.
      if (!signal.aborted) await all.close();
    }
  });
  if (options.json) await print(JSON.stringify(trace.counts));
}

/** Which part was kept, in words: what the file must say of itself. */
function noteOf({ sample, skip, limit }: Options, before: string | undefined): string | undefined {
  const parts = [
    ...(sample ? [`the first ${sample.keep} of every ${sample.of} records`] : []),
    ...(skip > 0 || limit ? [`${limit ?? "all"} records from number ${skip} on`] : []),
    ...(before ? [`of: ${before}`] : []),
  ];
  return parts.length > 0 ? parts.join("; of these ") : undefined;
}
