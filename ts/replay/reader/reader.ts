// What every trace reader offers, whatever the format of the trace.
import type { ByteStream } from "../../structural.ts";
import type { Batch, Counts } from "../record.ts";

/** Every format that can be read, as `--format` names it. */
export type TraceFormat =
  | "cltr"
  | "lackey"
  | "drmemtrace"
  | "champsim"
  | "dramsim3"
  | "ramulator"
  | "pinatrace"
  | "fio"
  | "blkparse"
  | "kvm";

export interface TraceReader {
  readonly format: TraceFormat | "synthetic";
  /** How the source is called in messages. */
  readonly name: string;
  /** Which part of the program's run the trace holds; undefined when it says nothing, or all. */
  readonly sampled: string | undefined;
  /** The command that captured the trace, when it says so. */
  readonly command: string | undefined;
  /** Bytes taken from the source so far (compressed, if it is). */
  readonly bytes: number;
  /** The records handed out so far. */
  readonly counts: Counts;
  /** Fills the batch from its start; answers how many records, 0 at the end of the trace. */
  next(batch: Batch): Promise<number>;
  /** Where record `ordinal` of the batch filled last came from, for a message. */
  locate(ordinal: number): string;
  /** How often each of the format's own record types was seen so far, where it has types. */
  readonly types?: ReadonlyMap<number, number> | undefined;
  close(): Promise<void>;
}

/** A stream of bytes: a file, a pipe, a response's body. */
export type ByteSource = AsyncIterable<Uint8Array> | ByteStream;
