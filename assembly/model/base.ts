// Where the model lies, and its counters.
import * as Memory from "../../ts/abi/memory";
import * as Model from "../../ts/abi/model";

/** The model's first byte. */
export const MODEL: usize = Memory.FRAME_TABLE;

export const SPACE: u64 = u64(Model.SPACE_DATA) << Model.SPACE_LSB;
export const LINE: u32 = 64;
export const LINE_SHIFT: u64 = 6;

/** Where a page is noted that is not new. */
export function knownAt(page: u64): usize {
  return MODEL + Model.KNOWN + ((usize(page) & (Model.KNOWN_PAGES - 1)) << 3);
}

/** Adds to one counter of ts/abi/model.ts. */
export function add(counter: usize, amount: u64): void {
  store<u64>(MODEL + counter, load<u64>(MODEL + counter) + amount);
}

/** A setting. */
export function setting(offset: usize): u32 {
  return load<u32>(MODEL + offset);
}

/** Counts a read by who made it and where it hit, and answers what it is charged. */
export function charge(reader: u32, level: u32, stream: bool): u64 {
  const cell = usize((reader * Model.LEVELS + level) * 2 + u32(stream));
  add(Model.READS + (cell << 3), 1);
  return load<u32>(MODEL + Model.CHARGES + (cell << 2));
}

/** Adds one access of the program to the histogram of latencies. */
export function observe(picoseconds: u64): void {
  observeMany(picoseconds, 1);
}

function observeMany(picoseconds: u64, accesses: u64): void {
  add(Model.PICOSECONDS, picoseconds * accesses);
  const seen = picoseconds + setting(Model.HIT_PS);
  const top = 63 - clz(seen | 1);
  const half = top > 0 ? (seen >> (top - 1)) & 1 : 0;
  add(Model.HISTOGRAM + (usize(min(2 * top + half, Model.BUCKETS - 1)) << 3), accesses);
}

/** Counts accesses of the program that hit the first level, and what each is charged. */
export function observeHits(reader: u32, accesses: u64): void {
  const cell = usize(reader * Model.LEVELS * 2);
  add(Model.READS + (cell << 3), accesses);
  observeMany(load<u32>(MODEL + Model.CHARGES + (cell << 2)), accesses);
}
