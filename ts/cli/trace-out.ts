// Writes a trace to a file that is there whole or not at all, or to standard output; gzipped where the name ends in .gz.
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { BadInput, Misuse } from "../error.ts";
import type { TraceReader } from "../replay/reader/reader.ts";
import { Batch } from "../replay/record.ts";
import { type Writer, type WrittenFormat, writerOf } from "../replay/writer.ts";

export interface TraceOut {
  format: WrittenFormat;
  command?: string | undefined;
  sampled?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((records: number) => void) | undefined;
}

const GZIP_LEVEL = 9;

/** Writes all of a trace. An aborted signal ends the reading, and nothing is left. */
export async function writeTrace(path: string, trace: TraceReader, out: TraceOut): Promise<void> {
  const writer = writerOf(out.format, {
    command: out.command ?? trace.command,
    sampled: out.sampled ?? trace.sampled,
  });
  const bytes = Readable.from(encoded(trace, writer, out), { objectMode: false });
  if (path === "-") return pipeline(bytes, process.stdout, { end: false });
  const unfinished = `${path}.${process.pid}.part`;
  try {
    const file = createWriteStream(unfinished);
    const way: Writable[] = path.endsWith(".gz")
      ? [createGzip({ level: GZIP_LEVEL }), file]
      : [file];
    await pipeline([bytes, ...way]);
    if (out.signal?.aborted) throw new Misuse(`${path}: interrupted, nothing was written`);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("E") && !code.startsWith("ERR"))
      throw new BadInput(`${path}: cannot be written (${code})`);
    throw error;
  }
}

async function* encoded(trace: TraceReader, writer: Writer, out: TraceOut) {
  const batch = new Batch();
  yield writer.start();
  while (!out.signal?.aborted && (await trace.next(batch)) > 0) {
    yield writer.encode(batch);
    out.onProgress?.(trace.counts.records);
  }
  yield writer.end();
}
