// Trace records in memory: what the readers fill and the replay loop eats. Layout: ts/abi/record.ts.
import * as Cltr from "../abi/cltr.ts";
import * as Record from "../abi/record.ts";

// What a record does, before its size has chosen a handler.
export {
  KIND_DMA_IN as DMA_IN,
  KIND_DMA_OUT as DMA_OUT,
  KIND_EXIT as EXIT,
  KIND_FETCH as FETCH,
  KIND_HALT as HALT,
  KIND_LOAD as LOAD,
  KIND_MODIFY as MODIFY,
  KIND_PAGE_PRIVATE as PAGE_PRIVATE,
  KIND_PAGE_SHARE as PAGE_SHARE,
  KIND_STORE as STORE,
  KIND_TRANSFER_IN as TRANSFER_IN,
  KIND_TRANSFER_OUT as TRANSFER_OUT,
} from "../abi/cltr.ts";
export type Kind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 8 | 9 | 10 | 11 | 12;

/** The largest fetch, load, store or modify: one page. */
export const ACCESS_LIMIT: number = Record.ACCESS_LIMIT;
/** The largest transfer. Linux itself stops at 2^31 - 4096. */
export const TRANSFER_LIMIT: number = 2 ** 31;

/** Where a transfer goes whose buffers a trace does not name (readv, sendfile, ...): a place valgrind gives to nobody. */
export const SCRATCH = 0x7000_0000_0000;

export const WORDS: number = Record.SIZE / 4;
export const GVA_LOW: number = Record.GVA / 4;
export const GVA_HIGH: number = GVA_LOW + 1;
export const BYTES: number = Record.BYTES / 4;
export const OP: number = Record.OP / 4;

// One row a kind, one column a size from 0 to 9; column 9 serves every larger size.
const COLUMNS = 10;
const wideFrom = (narrow: number[], wide: number): number[] =>
  Array.from({ length: COLUMNS }, (_, size) => narrow[size] ?? wide);
const every = (op: number, narrowTo: number): number[] => new Array(narrowTo + 1).fill(op);
const bySize = (one: number, two: number, four: number, eight: number, wide: number): number[] =>
  wideFrom([wide, one, two, wide, four, wide, wide, wide, eight], wide);

const OPERATIONS: Uint8Array = Uint8Array.from([
  ...wideFrom(every(Record.FETCH, 8), Record.FETCH_WIDE),
  ...wideFrom(every(Record.LOAD, 8), Record.LOAD_WIDE),
  ...bySize(Record.STORE_1, Record.STORE_2, Record.STORE_4, Record.STORE_8, Record.STORE_WIDE),
  ...bySize(Record.MODIFY_1, Record.MODIFY_2, Record.MODIFY_4, Record.MODIFY_8, Record.MODIFY_WIDE),
  ...every(Record.TRANSFER_OUT, COLUMNS - 1),
  ...every(Record.TRANSFER_IN, COLUMNS - 1),
  ...every(Record.HALT, COLUMNS - 1),
  // .cltr's end marker, which no record has
  ...every(Record.HALT, COLUMNS - 1),
  ...every(Record.EXIT, COLUMNS - 1),
  ...every(Record.PAGE_SHARE, COLUMNS - 1),
  ...every(Record.PAGE_PRIVATE, COLUMNS - 1),
  ...every(Record.DMA_OUT, COLUMNS - 1),
  ...every(Record.DMA_IN, COLUMNS - 1),
]);

/** The handlers of fetches, loads, stores and modifies as the core's parsers index them (ts/abi/decode.ts). */
export const ACCESS_OPERATIONS: Uint8Array = OPERATIONS.subarray(0, 4 * COLUMNS);

/** The handler of a record: OP of ts/abi/record.ts. */
export function operation(kind: Kind, bytes: number): number {
  return OPERATIONS[kind * COLUMNS + (bytes < COLUMNS ? bytes : COLUMNS - 1)]!;
}

const KINDS: Uint8Array = new Uint8Array(Record.DMA_IN + 1);
for (let kind = 0; kind < Cltr.KIND_LIMIT; kind++) {
  if (kind === Cltr.KIND_END) continue;
  for (let size = 0; size < COLUMNS; size++) KINDS[OPERATIONS[kind * COLUMNS + size]!] = kind;
}

/** The kind that an OP came from. */
export function kindOf(op: number): Kind {
  return KINDS[op] as Kind;
}

/** Up to `capacity` records in one array, which may lie in the core's linear memory. */
export class Batch {
  static readonly RECORDS = 65536;

  readonly words: Uint32Array;
  readonly capacity: number;
  length = 0;

  constructor(words: Uint32Array = new Uint32Array(Batch.RECORDS * WORDS)) {
    this.words = words;
    this.capacity = Math.floor(words.length / WORDS);
  }

  push(gvaLow: number, gvaHigh: number, bytes: number, op: number): void {
    const word = this.length++ * WORDS;
    this.words[word + GVA_LOW] = gvaLow;
    this.words[word + GVA_HIGH] = gvaHigh;
    this.words[word + BYTES] = bytes;
    this.words[word + OP] = op;
  }

  /** Forgets all but `count` records from `first` on. */
  keep(first: number, count: number): void {
    this.words.copyWithin(0, first * WORDS, (first + count) * WORDS);
    this.length = count;
  }
}

/** What a trace held so far. `syscalls` are transfers and halts, `pageStates` pages shared or taken back, `dmas` what a device
 *  moved on its own; `records` is the sum of the rest. */
export interface Counts {
  records: number;
  fetches: number;
  loads: number;
  stores: number;
  modifies: number;
  syscalls: number;
  exits: number;
  pageStates: number;
  dmas: number;
}

export function noCounts(): Counts {
  return {
    records: 0,
    fetches: 0,
    loads: 0,
    stores: 0,
    modifies: 0,
    syscalls: 0,
    exits: 0,
    pageStates: 0,
    dmas: 0,
  };
}

/** Adds a batch, or its records from one on, to the counts. */
export function count(counts: Counts, batch: Batch, from = 0): void {
  const seen = new Uint32Array(Cltr.KIND_LIMIT);
  const end = batch.length * WORDS;
  for (let word = from * WORDS + OP; word < end; word += WORDS) seen[KINDS[batch.words[word]!]!]!++;
  countKinds(counts, seen);
}

/** Adds so many records of each kind to the counts. */
export function countKinds(counts: Counts, seen: Uint32Array): void {
  counts.records += seen.reduce((sum, records) => sum + records, 0);
  counts.fetches += seen[Cltr.KIND_FETCH]!;
  counts.loads += seen[Cltr.KIND_LOAD]!;
  counts.stores += seen[Cltr.KIND_STORE]!;
  counts.modifies += seen[Cltr.KIND_MODIFY]!;
  counts.syscalls +=
    seen[Cltr.KIND_TRANSFER_OUT]! + seen[Cltr.KIND_TRANSFER_IN]! + seen[Cltr.KIND_HALT]!;
  counts.exits += seen[Cltr.KIND_EXIT]!;
  counts.pageStates += seen[Cltr.KIND_PAGE_SHARE]! + seen[Cltr.KIND_PAGE_PRIVATE]!;
  counts.dmas += seen[Cltr.KIND_DMA_OUT]! + seen[Cltr.KIND_DMA_IN]!;
}

/** Most bytes that a record of this kind may name; an exit's code is no size. */
export function limitOf(kind: Kind): number {
  if (kind === Cltr.KIND_EXIT) return 2 ** 32 - 1;
  return kind < Cltr.KIND_TRANSFER_OUT ? ACCESS_LIMIT : TRANSFER_LIMIT;
}

/** Whether all `bytes` from the address (high word, low word) on lie in one half of the 48-bit address space. */
export function isCanonical(high: number, low: number, bytes: number): boolean {
  const top = high >>> 15;
  if (top !== 0 && top !== 0x1ffff) return false;
  const half = (high & 0x7fff) * 2 ** 32 + (low >>> 0);
  return half + bytes <= 2 ** 47;
}
