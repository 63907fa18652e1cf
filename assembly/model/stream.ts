// Strides that the part's prefetchers would follow: a miss at the same distance from the last one, twice in a row, is a stream.
import * as Model from "../../ts/abi/model";
import { MODEL } from "./base";

const END: usize = MODEL + Model.TRACKERS + Model.TRACKER_COUNT * Model.TRACKER;
const FIRST: usize = MODEL + Model.TRACKERS;
// In lines: what a prefetcher within 4 KiB pages can follow.
const REACH: i64 = 32;
const SURE: u32 = 2;

let clock: u64 = 0;

/** Whether a line is the next of a stream. Changes nothing. */
export function continues(line: u64): bool {
  for (let tracker = FIRST; tracker < END; tracker += Model.TRACKER) {
    if (load<u32>(tracker, Model.CONFIDENCE) < SURE) continue;
    if (load<u64>(tracker, Model.LAST) + load<u64>(tracker, Model.STRIDE) == line) return true;
  }
  return false;
}

/** Shows a miss to the trackers. True when it continues a stream. */
export function train(line: u64): bool {
  clock++;
  let near: usize = 0;
  let oldest: usize = FIRST;
  for (let tracker = FIRST; tracker < END; tracker += Model.TRACKER) {
    const distance = i64(line - load<u64>(tracker, Model.LAST));
    const stride = load<i64>(tracker, Model.STRIDE);
    if (distance == stride && stride != 0) return advance(tracker, line);
    if (distance >= -REACH && distance <= REACH) near = tracker;
    if (load<u64>(tracker, Model.STAMP) < load<u64>(oldest, Model.STAMP)) oldest = tracker;
  }
  const tracker = near ? near : oldest;
  const distance = near ? i64(line - load<u64>(near, Model.LAST)) : 0;
  // The same line again teaches nothing.
  if (near && distance == 0) return false;
  store<u64>(tracker, line, Model.LAST);
  store<i64>(tracker, distance, Model.STRIDE);
  store<u32>(tracker, near ? 1 : 0, Model.CONFIDENCE);
  store<u64>(tracker, clock, Model.STAMP);
  return false;
}

function advance(tracker: usize, line: u64): bool {
  const confidence = load<u32>(tracker, Model.CONFIDENCE);
  store<u64>(tracker, line, Model.LAST);
  store<u32>(tracker, confidence + 1, Model.CONFIDENCE);
  store<u64>(tracker, clock, Model.STAMP);
  return confidence + 1 > SURE;
}
