// Opens a trace named on the command line: a file, or "-" for standard input.
import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BadInput } from "../error.ts";
import { interleave } from "../replay/reader/interleave.ts";
import { openTrace } from "../replay/reader/open.ts";
import type { TraceFormat, TraceReader } from "../replay/reader/reader.ts";

export interface TraceFile {
  trace: TraceReader;
  /** Bytes of the file; undefined for a pipe. */
  bytes: number | undefined;
}

const WHY: Record<string, string> = {
  ENOENT: "no such file",
  EACCES: "not permitted",
  ENOTDIR: "no such file",
};

/** Throws BadInput when there is nothing to read. */
export async function openTraceFile(path: string, format?: TraceFormat): Promise<TraceFile> {
  if (path === "-")
    return { trace: await openTrace(process.stdin, "stdin", format), bytes: undefined };
  const threads = threadsIn(path);
  if (threads.length > 0) return openThreads(path, threads, format);
  const bytes = sizeOf(path);
  return { trace: await openTrace(createReadStream(path), path, format), bytes };
}

// drmemtrace keeps one file a thread: drmemtrace.PROGRAM.PID.TID.trace.zip.
const THREAD = /\.trace(?:\.\w+)?$/;

/** The threads of a folder, or of the folder `trace` that DynamoRIO makes in it. */
function threadsIn(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  const inner = join(path, "trace");
  if (statSync(inner, { throwIfNoEntry: false })?.isDirectory()) return threadsIn(inner);
  const names = readdirSync(path).filter((name) => THREAD.test(name));
  return names.sort().map((name) => join(path, name));
}

/** A folder of threads is one trace: each thread a vCPU. */
async function openThreads(
  path: string,
  threads: string[],
  format: TraceFormat | undefined,
): Promise<TraceFile> {
  const readers: TraceReader[] = [];
  for (const thread of threads)
    readers.push(await openTrace(createReadStream(thread), thread, format));
  const bytes = threads.reduce((sum, thread) => sum + statSync(thread).size, 0);
  return { trace: interleave(readers, path), bytes };
}

function sizeOf(path: string): number | undefined {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw new BadInput(`${path}: a directory, expected a trace`);
    return stat.isFile() ? stat.size : undefined;
  } catch (error) {
    if (error instanceof BadInput) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new BadInput(`${path}: ${WHY[code] ?? code}, expected a trace`);
  }
}
