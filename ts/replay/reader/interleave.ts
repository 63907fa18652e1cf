// Several traces as the vCPUs of one machine: each gets a fixed number of records in turn, in the order given.
import * as Records from "../record.ts";
import { Batch, type Counts } from "../record.ts";
import type { TraceReader } from "./reader.ts";

/** Records of a vCPU's turn. */
export const QUANTUM = 10_000;

class Interleaved implements TraceReader {
  readonly counts: Counts = Records.noCounts();
  readonly name: string;
  readonly #all: readonly TraceReader[];
  #running: TraceReader[];
  #turn = 0;
  #current: TraceReader;

  constructor(readers: readonly TraceReader[], name: string) {
    this.name = name;
    this.#all = readers;
    this.#running = [...readers];
    this.#current = readers[0] as TraceReader;
  }

  get format(): TraceReader["format"] {
    return this.#current.format;
  }

  get sampled(): string | undefined {
    return this.#all.find(({ sampled }) => sampled)?.sampled;
  }

  get command(): string | undefined {
    return this.#all[0]?.command;
  }

  get bytes(): number {
    return this.#all.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get types(): ReadonlyMap<number, number> {
    const sum = new Map<number, number>();
    for (const { types } of this.#all) {
      for (const [type, count] of types ?? []) sum.set(type, (sum.get(type) ?? 0) + count);
    }
    return sum;
  }

  /** One turn of one trace: at most QUANTUM records. */
  async next(batch: Batch): Promise<number> {
    const capacity = Math.min(QUANTUM, batch.capacity);
    const part = new Batch(batch.words.subarray(0, capacity * Records.WORDS));
    batch.length = 0;
    while (this.#running.length > 0) {
      const place = this.#turn % this.#running.length;
      this.#current = this.#running[place] as TraceReader;
      batch.length = await this.#current.next(part);
      if (batch.length > 0) {
        this.#turn = place + 1;
        break;
      }
      this.#running.splice(place, 1);
      this.#turn = place;
    }
    Records.count(this.counts, batch);
    return batch.length;
  }

  locate(ordinal: number): string {
    return this.#current.locate(ordinal);
  }

  async close(): Promise<void> {
    for (const reader of this.#all) await reader.close();
  }
}

/** One trace made of several, one vCPU each. */
export function interleave(readers: readonly TraceReader[], name: string): TraceReader {
  return readers.length === 1 ? (readers[0] as TraceReader) : new Interleaved(readers, name);
}
