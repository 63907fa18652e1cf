// What a trace is like: counts, footprint, and how far apart an instruction's accesses are.
import type { TraceReader } from "./reader/reader.ts";
import * as Records from "./record.ts";
import { Batch, type Counts } from "./record.ts";

export interface Stride {
  bytes: number;
  /** Accesses that were so far behind the same instruction's last of that kind. */
  accesses: number;
}

export interface TraceInfo {
  schema: "cloister.trace/1";
  format: string;
  command: string | null;
  sampled: string | null;
  counts: Counts;
  /** Bytes of the trace as it is stored. */
  bytes: number;
  /** 4 KiB pages: of instructions, of data, of both. */
  pages: { code: number; data: number; all: number };
  /** Lines of 64 bytes that data accesses met. */
  dataLines: number;
  lowest: string;
  highest: string;
  strides: Stride[];
  /** The format's own record types, where it has them. */
  types?: Record<string, number>;
}

const ROWS = 1 << 16;
const STRIDES_KEPT = 1 << 16;
const STRIDES_SHOWN = 8;
const PAGE = 4096;
const LINE = 64;

/** Bits of pages' lines by page: memory follows the footprint, not the length. */
class Footprint {
  readonly pages = new Map<number, [number, number]>();

  add(gva: number, bytes: number): void {
    const last = gva + bytes - 1;
    for (let at = gva; at <= last; at = (Math.floor(at / LINE) + 1) * LINE) {
      const page = Math.floor(at / PAGE);
      const lines = this.pages.get(page) ?? [0, 0];
      this.pages.set(page, lines);
      const line = Math.floor((at - page * PAGE) / LINE);
      lines[line >> 5]! |= 1 << (line & 31);
    }
  }

  get lines(): number {
    let lines = 0;
    for (const [low, high] of this.pages.values()) lines += bits(low) + bits(high);
    return lines;
  }
}

function bits(word: number): number {
  let left = word;
  let count = 0;
  for (; left !== 0; left &= left - 1) count++;
  return count;
}

class Strides {
  readonly #last = new Float64Array(4 * ROWS).fill(Number.NaN);
  readonly #counts = new Map<number, number>();
  #instruction = 0;

  add(kind: number, gva: number): void {
    if (kind === Records.FETCH) {
      this.#instruction = gva;
      return;
    }
    const row = (this.#instruction % ROWS) * 4 + kind;
    const stride = gva - this.#last[row]!;
    this.#last[row] = gva;
    if (Number.isNaN(stride)) return;
    const seen = this.#counts.get(stride);
    if (seen !== undefined || this.#counts.size < STRIDES_KEPT)
      this.#counts.set(stride, (seen ?? 0) + 1);
  }

  top(): Stride[] {
    return [...this.#counts]
      .map(([bytes, accesses]) => ({ bytes, accesses }))
      .sort((a, b) => b.accesses - a.accesses || a.bytes - b.bytes)
      .slice(0, STRIDES_SHOWN);
  }
}

/** Reads a trace to its end and says what it is like. */
export async function infoOf(
  trace: TraceReader,
  onProgress: (records: number) => void = () => {},
): Promise<TraceInfo> {
  const [code, data, strides] = [new Footprint(), new Footprint(), new Strides()];
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const batch = new Batch();
  while ((await trace.next(batch)) > 0) {
    for (let word = 0; word < batch.length * Records.WORDS; word += Records.WORDS) {
      const kind = Records.kindOf(batch.words[word + Records.OP]! & 0xff);
      if (kind === Records.HALT || kind === Records.EXIT) continue;
      const bytes = batch.words[word + Records.BYTES]!;
      const high = batch.words[word + Records.GVA_HIGH]! | 0;
      const gva = high * 2 ** 32 + batch.words[word + Records.GVA_LOW]!;
      lowest = Math.min(lowest, gva);
      highest = Math.max(highest, gva + bytes - 1);
      if (kind <= Records.MODIFY) strides.add(kind, gva);
      (kind === Records.FETCH ? code : data).add(gva, bytes);
    }
    onProgress(trace.counts.records);
  }
  const all = new Set([...code.pages.keys(), ...data.pages.keys()]).size;
  return {
    schema: "cloister.trace/1",
    format: trace.format,
    command: trace.command ?? null,
    sampled: trace.sampled ?? null,
    counts: trace.counts,
    bytes: trace.bytes,
    pages: { code: code.pages.size, data: data.pages.size, all },
    dataLines: data.lines,
    lowest: hex(lowest),
    highest: hex(highest),
    strides: strides.top(),
    ...(trace.types && trace.types.size > 0 ? { types: Object.fromEntries(trace.types) } : {}),
  };
}

function hex(gva: number): string {
  if (!Number.isFinite(gva)) return "none";
  return `0x${BigInt.asUintN(64, BigInt(gva)).toString(16)}`;
}
