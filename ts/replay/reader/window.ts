// A part of a trace: leaves out the first `skip` records, and all after `limit` more.
import { BadInput } from "../../error.ts";
import type { Batch, Counts } from "../record.ts";
import * as Records from "../record.ts";
import type { TraceReader } from "./reader.ts";

class Window implements TraceReader {
  readonly counts: Counts = Records.noCounts();
  readonly #whole: TraceReader;
  readonly #skip: number;
  readonly #limit: number;
  #skipped = 0;
  // How many records of the whole trace's batch lie before this one's first.
  #dropped = 0;

  constructor(whole: TraceReader, skip: number, limit: number) {
    this.#whole = whole;
    this.#skip = skip;
    this.#limit = limit;
  }

  get format(): TraceReader["format"] {
    return this.#whole.format;
  }

  get name(): string {
    return this.#whole.name;
  }

  get sampled(): string | undefined {
    return this.#whole.sampled;
  }

  get command(): string | undefined {
    return this.#whole.command;
  }

  get bytes(): number {
    return this.#whole.bytes;
  }

  async next(batch: Batch): Promise<number> {
    batch.length = 0;
    const left = this.#limit - this.counts.records;
    while (left > 0) {
      const read = await this.#whole.next(batch);
      if (read === 0) break;
      this.#dropped = Math.min(this.#skip - this.#skipped, read);
      this.#skipped += this.#dropped;
      if (this.#dropped === read) continue;
      batch.keep(this.#dropped, Math.min(read - this.#dropped, left));
      Records.count(this.counts, batch);
      return batch.length;
    }
    batch.length = 0;
    if (this.counts.records === 0 && this.#limit > 0) {
      const all = this.#whole.counts.records;
      throw new BadInput(
        `${this.name}: ${all} records, expected more than the ${this.#skip} to skip`,
      );
    }
    return 0;
  }

  locate(ordinal: number): string {
    return this.#whole.locate(this.#dropped + ordinal);
  }

  close(): Promise<void> {
    return this.#whole.close();
  }
}

/** The records of a trace from `skip` on, at most `limit` of them. */
export function windowOf(
  trace: TraceReader,
  skip: number,
  limit: number = Number.POSITIVE_INFINITY,
): TraceReader {
  return skip === 0 && limit === Number.POSITIVE_INFINITY ? trace : new Window(trace, skip, limit);
}
