// What every trace reader offers, whatever the format of the trace.
import type { ByteStream } from "../../structural.ts";
import type { Batch, Counts } from "../record.ts";

export interface TraceReader {
  readonly format: "lackey" | "cltr";
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
  close(): Promise<void>;
}

/** A stream of bytes: a file, a pipe, a response's body. */
export type ByteSource = AsyncIterable<Uint8Array> | ByteStream;
