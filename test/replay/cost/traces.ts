// Traces made here for the cost model's tests: a vectorised triad, a pointer chase, and bare transfers. As .cltr would read.
import type { TraceReader } from "../../../dist/index.js";
import { type Batch, count, type Kind, noCounts, operation } from "../../../dist/replay/record.js";

export const [FETCH, LOAD, STORE, TRANSFER_OUT, TRANSFER_IN, HALT] = [0, 1, 2, 4, 5, 6] as const;

/** kind, gva, bytes */
export type Made = [kind: Kind, gva: number, bytes: number];

/** A reader of records made by a generator. */
export function traceOf(name: string, records: Iterable<Made>): TraceReader {
  const from = records[Symbol.iterator]();
  const counts = noCounts();
  let given = 0;
  return {
    name,
    counts,
    bytes: 0,
    locate: (index: number) => `record ${given + index}`,
    async next(batch: Batch) {
      given += batch.length;
      batch.length = 0;
      while (batch.length < batch.capacity) {
        const { value, done } = from.next();
        if (done) break;
        const [kind, gva, bytes] = value;
        batch.push(gva >>> 0, Math.floor(gva / 2 ** 32), bytes, operation(kind, bytes));
      }
      count(counts, batch);
      return batch.length;
    },
    async close() {},
  } as TraceReader;
}

const CODE = 0x400000;
const HEAP = 0x10000000;

/** a[i] = b[i] + s * c[i] over three arrays, 32 bytes an iteration, five instructions. */
export function* triad(bytesEach: number, passes = 1): Generator<Made> {
  for (let pass = 0; pass < passes; pass++) {
    for (let at = 0; at < bytesEach; at += 32) {
      yield [FETCH, CODE, 5];
      yield [LOAD, HEAP + at, 32];
      yield [FETCH, CODE + 5, 6];
      yield [LOAD, HEAP + bytesEach + at, 32];
      yield [FETCH, CODE + 11, 5];
      yield [STORE, HEAP + 2 * bytesEach + at, 32];
      yield [FETCH, CODE + 16, 4];
      yield [FETCH, CODE + 20, 2];
    }
  }
}

/** A cycle through all 64-byte nodes by a fixed odd stride near 0.618 of their number. */
export function* chase(bytes: number, steps: number): Generator<Made> {
  const nodes = bytes / 64;
  const stride = Math.floor(0.618 * nodes) | 1;
  for (let step = 0, node = 0; step < steps; step++, node = (node + stride) % nodes) {
    yield [FETCH, CODE, 3];
    yield [LOAD, HEAP + 64 * node, 8];
    yield [FETCH, CODE + 3, 3];
    yield [FETCH, CODE + 6, 2];
  }
}

/** Work on a small buffer, again and again. */
export function* compute(bytes: number, steps: number): Generator<Made> {
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < 6; i++) yield [FETCH, CODE + 4 * i, 4];
    yield [LOAD, HEAP + ((8 * step) % bytes), 8];
    yield [STORE, HEAP + ((24 * step) % bytes), 8];
  }
}

/** Bare transfers between little work. */
export function* transfers(many: number, bytes: number, work: number): Generator<Made> {
  for (let i = 0; i < many; i++) {
    yield [i % 2 ? TRANSFER_IN : TRANSFER_OUT, HEAP + 0x10000 * (i % 4), bytes];
    yield* compute(0x4000, work);
  }
}
