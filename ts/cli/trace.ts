// cloister trace info: what a trace is like.
import type { Command } from "commander";
import { wallClock } from "../clock.ts";
import { infoOf, type TraceInfo } from "../replay/info.ts";
import { traceFormats } from "../replay/reader/open.ts";
import type { TraceFormat } from "../replay/reader/reader.ts";
import { interruptible, onAbort } from "./interrupt.ts";
import { oneOf } from "./option.ts";
import { print } from "./output.ts";
import { progress } from "./progress.ts";
import { openTraceFile } from "./trace-file.ts";

interface Options {
  format?: TraceFormat;
  json?: boolean;
}

export function trace(program: Command): void {
  program
    .command("trace")
    .description("look at traces")
    .command("info")
    .description("print a trace's counts, footprint and strides")
    .argument("<trace>", 'any trace that can be read; "-" for standard input')
    .option("--format <name>", "if its content must not decide", oneOf("--format", traceFormats))
    .option("--json", "print JSON")
    .action(act);
}

async function act(path: string, options: Options): Promise<void> {
  const { trace, bytes } = await openTraceFile(path, options.format);
  const shown = progress(bytes, wallClock.now);
  await interruptible(async (signal) => {
    try {
      const reading = infoOf(trace, (records) => shown.update(trace.bytes, records));
      const info = await Promise.race([reading, onAbort(signal, undefined)]);
      shown.stop();
      if (info) await print(options.json ? JSON.stringify(info, null, 2) : textOf(info, path));
    } finally {
      shown.stop();
      if (!signal.aborted) await trace.close();
    }
  });
}

const count = new Intl.NumberFormat("en-US");
const MEBIBYTE = 2 ** 20;

function textOf(info: TraceInfo, path: string): string {
  const { counts, pages } = info;
  const kinds = Object.entries(counts).filter(([name, n]) => name !== "records" && n > 0);
  const data = ((pages.data * 4096) / MEBIBYTE).toFixed(1);
  return [
    `${path}: ${info.format}, ${count.format(info.bytes)} bytes`,
    ...(info.command ? [`command    ${info.command}`] : []),
    ...(info.sampled ? [`sampled    ${info.sampled}`] : []),
    `records    ${count.format(counts.records)}: ${kinds.map(([name, n]) => `${count.format(n)} ${name}`).join(", ")}`,
    `pages      ${count.format(pages.all)} of 4 KiB: ${count.format(pages.code)} of code, ${count.format(pages.data)} of data (${data} MiB)`,
    `lines      ${count.format(info.dataLines)} of 64 bytes of data`,
    `addresses  ${info.lowest} to ${info.highest}`,
    `strides    ${info.strides.map(({ bytes, accesses }) => `${bytes} (${count.format(accesses)})`).join(", ") || "none"}`,
    ...(info.types
      ? [
          `types      ${Object.entries(info.types)
            .map(([type, n]) => `${type}: ${count.format(n)}`)
            .join(", ")}`,
        ]
      : []),
  ].join("\n");
}
