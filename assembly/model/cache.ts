// The part's caches, tags only: a read goes down until it hits, and is kept in every level it passed. A line pushed out dirty is
// marked where it is still held below, or counted as written to memory.
import * as Model from "../../ts/abi/model";
import { add, MODEL } from "./base";
import { drop, evicted, markDirty, touch } from "./tags";

const L2: usize = MODEL + Model.L2;
const L3: usize = MODEL + Model.L3;

/** How far down two lines (which may be one) must be read, as one access: 0 hits the first level, 3 is memory.
 *  As cachegrind counts: an access that crosses a line misses once, and then both lines are asked for below. */
export function reach(level1: usize, first: u64, last: u64, dirty: u64): u32 {
  if (first == last) {
    if (touch(level1, first, dirty)) return 0;
    if (evicted & 1) writeBack(evicted >> 1, L2);
    return below(first, last);
  }
  let misses = !touch(level1, first, dirty);
  if (misses && evicted & 1) writeBack(evicted >> 1, L2);
  if (!touch(level1, last, dirty)) {
    misses = true;
    if (evicted & 1) writeBack(evicted >> 1, L2);
  }
  return misses ? below(first, last) : 0;
}

/** As reach, from the second level on: where the part's table walkers enter. */
export function below(first: u64, last: u64): u32 {
  if (!misses(L2, first, last, L3)) return 1;
  return misses(L3, first, last, 0) ? 3 : 2;
}

function misses(row: usize, first: u64, last: u64, next: usize): bool {
  let missed = !touch(row, first, 0);
  if (missed && evicted & 1) writeBack(evicted >> 1, next);
  if (first == last) return missed;
  if (touch(row, last, 0)) return missed;
  if (evicted & 1) writeBack(evicted >> 1, next);
  return true;
}

function writeBack(line: u64, to: usize): void {
  if (to == L2 && markDirty(L2, line)) return;
  if (to && markDirty(L3, line)) return;
  const shared = line >> Model.SPACE_LSB == Model.SPACE_SHARED;
  add(shared ? Model.WRITTEN_BACK_SHARED : Model.WRITTEN_BACK, 1);
}

/** A device wrote the line: no cache holds it any more. */
export function invalidate(line: u64): void {
  drop(MODEL + Model.L1D, line);
  drop(L2, line);
  drop(L3, line);
}
