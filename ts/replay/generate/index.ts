// Synthetic traces: patterns by name, as a reader like any other. Nothing is stored: a billion records take the memory of a batch.
import { Misuse } from "../../error.ts";
import type { TraceReader } from "../reader/reader.ts";
import * as Records from "../record.ts";
import { Batch, type Counts } from "../record.ts";
import { boot } from "./boot.ts";
import { chase } from "./chase.ts";
import { type Pattern, type PatternOptions, STEP_LIMIT } from "./pattern.ts";
import { psc } from "./psc.ts";
import { stream } from "./stream.ts";
import { virtio } from "./virtio.ts";

export type PatternName = "stream" | "chase" | "psc" | "virtio" | "boot";

const PATTERNS: Record<PatternName, (options: PatternOptions) => Pattern> = {
  stream,
  chase,
  psc,
  virtio,
  boot,
};

export const patternNames: readonly PatternName[] = Object.keys(PATTERNS) as PatternName[];

export interface GenerateOptions extends PatternOptions {
  records: number;
}

const LEAST_FOOTPRINT = 0x10000;
const MOST_FOOTPRINT = 2 ** 40;

/** A synthetic trace of exactly so many records. */
export function generateTrace(name: PatternName, options: GenerateOptions): TraceReader {
  const { footprint, records, seed } = options;
  const pattern = PATTERNS[name];
  if (!pattern) throw new Misuse(`pattern: "${name}", expected one of ${patternNames.join(", ")}`);
  if (footprint < LEAST_FOOTPRINT || footprint > MOST_FOOTPRINT)
    throw new Misuse(`footprint: ${footprint} bytes, expected 64 KiB to 1 TiB`);
  if (!Number.isSafeInteger(records) || records < 1)
    throw new Misuse(`records: ${records}, expected 1 to 2^53 - 1`);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Misuse(`seed: ${seed}, expected 0 to 2^53 - 1`);
  return new Generated(name, pattern(options), options);
}

class Generated implements TraceReader {
  readonly format = "synthetic";
  readonly sampled = undefined;
  readonly command: string;
  readonly name: string;
  readonly bytes = 0;
  readonly counts: Counts = Records.noCounts();
  readonly #pattern: Pattern;
  readonly #records: number;
  // Made ahead: a batch may end in the middle of a step.
  readonly #ahead = new Batch(new Uint32Array((Batch.RECORDS + STEP_LIMIT) * Records.WORDS));
  #taken = 0;
  #first = 0;

  constructor(name: PatternName, pattern: Pattern, { footprint, records, seed }: GenerateOptions) {
    this.name = `generate ${name}`;
    this.command = `cloister generate trace ${name} --footprint ${footprint} --records ${records} --seed ${seed}`;
    this.#pattern = pattern;
    this.#records = records;
  }

  next(batch: Batch): Promise<number> {
    batch.length = 0;
    this.#first = this.counts.records;
    const wanted = Math.min(batch.capacity, this.#records - this.counts.records);
    while (batch.length < wanted) {
      if (this.#taken === this.#ahead.length) this.#make();
      const count = Math.min(wanted - batch.length, this.#ahead.length - this.#taken);
      const { WORDS } = Records;
      const from = this.#ahead.words.subarray(this.#taken * WORDS, (this.#taken + count) * WORDS);
      batch.words.set(from, batch.length * WORDS);
      batch.length += count;
      this.#taken += count;
    }
    Records.count(this.counts, batch);
    return Promise.resolve(batch.length);
  }

  locate(ordinal: number): string {
    return `${this.name}: record ${this.#first + ordinal}`;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #make(): void {
    this.#ahead.length = 0;
    this.#taken = 0;
    while (this.#ahead.length < Batch.RECORDS) this.#pattern(this.#ahead);
  }
}
