// Opens a trace named on the command line: a file, or "-" for standard input.
import { createReadStream, statSync } from "node:fs";
import { BadInput } from "../error.ts";
import { openTrace } from "../replay/reader/open.ts";
import type { TraceReader } from "../replay/reader/reader.ts";

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
export async function openTraceFile(path: string): Promise<TraceFile> {
  if (path === "-") return { trace: await openTrace(process.stdin, "stdin"), bytes: undefined };
  const bytes = sizeOf(path);
  return { trace: await openTrace(createReadStream(path), path), bytes };
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
