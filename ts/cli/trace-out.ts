// Writes a trace to a file that is there whole or not at all, or to standard output; gzipped where the name ends in .gz.
import { createWriteStream, openSync, renameSync, rmSync } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { BadInput, Misuse } from "../error.ts";
import type { TraceReader } from "../replay/reader/reader.ts";
import { Batch } from "../replay/record.ts";
import { type Writer, type WrittenFormat, writerOf } from "../replay/writer.ts";
import { onAbort } from "./interrupt.ts";
import { unfinishedOf } from "./output.ts";

export interface TraceOut {
  format: WrittenFormat;
  command?: string | undefined;
  sampled?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((records: number) => void) | undefined;
}

const GZIP_LEVEL = 9;

/** Writes all of a trace. An aborted signal ends it, also in the middle of a read or a write; then no file is left. */
export async function writeTrace(path: string, trace: TraceReader, out: TraceOut): Promise<void> {
  const writer = writerOf(out.format, {
    command: out.command ?? trace.command,
    sampled: out.sampled ?? trace.sampled,
  });
  const aborted = onAbort(out.signal, 0);
  const bytes = Readable.from(encoded(trace, writer, out, aborted), { objectMode: false });
  if (path === "-") {
    await Promise.race([pipeline(bytes, process.stdout, { end: false }), aborted]);
    if (out.signal?.aborted) throw new Misuse("standard output: the trace is cut short");
    return;
  }
  const unfinished = unfinishedOf(path);
  try {
    const file = createWriteStream(path, { fd: openSync(unfinished, "w") });
    const way: Writable[] = path.endsWith(".gz")
      ? [createGzip({ level: GZIP_LEVEL }), file]
      : [file];
    await Promise.race([pipeline([bytes, ...way]), aborted]);
    if (out.signal?.aborted) throw new Misuse(`${path}: nothing was written`);
    if (unfinished !== path) renameSync(unfinished, path);
  } catch (error) {
    if (unfinished !== path) rmSync(unfinished, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("E") && !code.startsWith("ERR"))
      throw new BadInput(`${path}: cannot be written (${code})`);
    throw error;
  }
}

async function* encoded(
  trace: TraceReader,
  writer: Writer,
  { signal, onProgress }: TraceOut,
  aborted: Promise<number>,
) {
  const batch = new Batch();
  yield writer.start();
  // A pipe may never give more: the signal ends the wait as well.
  while (!signal?.aborted && (await Promise.race([trace.next(batch), aborted])) > 0) {
    yield writer.encode(batch);
    onProgress?.(trace.counts.records);
    // Where neither end ever waits, a signal would not be heard.
    await new Promise(setImmediate);
  }
  if (!signal?.aborted) yield writer.end();
}
