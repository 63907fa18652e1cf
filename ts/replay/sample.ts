// A part of a trace, evenly: the first records of every so many.
import type { TraceReader } from "./reader/reader.ts";
import type { Batch, Counts } from "./record.ts";
import * as Records from "./record.ts";

/** Keeps the first `keep` of every `of` records. */
export interface Sampling {
  keep: number;
  of: number;
}

class Sample implements TraceReader {
  readonly counts: Counts = Records.noCounts();
  readonly #whole: TraceReader;
  readonly #sampling: Sampling;
  readonly #places: Uint32Array;

  constructor(whole: TraceReader, sampling: Sampling, places: number) {
    this.#whole = whole;
    this.#sampling = sampling;
    this.#places = new Uint32Array(places);
  }

  get format(): TraceReader["format"] {
    return this.#whole.format;
  }

  get name(): string {
    return this.#whole.name;
  }

  get sampled(): string {
    const { keep, of } = this.#sampling;
    const also = this.#whole.sampled ? `; ${this.#whole.sampled}` : "";
    return `the first ${keep} of every ${of} records${also}`;
  }

  get command(): string | undefined {
    return this.#whole.command;
  }

  get bytes(): number {
    return this.#whole.bytes;
  }

  async next(batch: Batch): Promise<number> {
    const { keep, of } = this.#sampling;
    const { WORDS } = Records;
    for (;;) {
      const first = this.#whole.counts.records;
      const read = await this.#whole.next(batch);
      if (read === 0) return 0;
      let kept = 0;
      for (let i = 0; i < read; i++) {
        if ((first + i) % of >= keep) continue;
        this.#places[kept] = i;
        batch.words.copyWithin(kept++ * WORDS, i * WORDS, (i + 1) * WORDS);
      }
      batch.length = kept;
      Records.count(this.counts, batch);
      if (kept > 0) return kept;
    }
  }

  locate(ordinal: number): string {
    return this.#whole.locate(this.#places[ordinal]!);
  }

  close(): Promise<void> {
    return this.#whole.close();
  }
}

/** The sampled trace. `places`: the largest batch that will be asked for. */
export function sampleOf(
  trace: TraceReader,
  sampling: Sampling,
  places: number = Records.Batch.RECORDS,
): TraceReader {
  return new Sample(trace, sampling, places);
}
