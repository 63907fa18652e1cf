// Strides that the part's prefetchers would follow: a miss at the same distance from the last one, twice in a row, is a stream.
import * as Model from "../../ts/abi/model";
import { MODEL } from "./base";
import { link, renew } from "./recent";

const END: usize = MODEL + Model.TRACKERS + Model.TRACKER_COUNT * Model.TRACKER;
const FIRST: usize = MODEL + Model.TRACKERS;
const RING: usize = MODEL + Model.TRACKER_RING;
// In lines: what a prefetcher within 4 KiB pages can follow.
const REACH: u64 = 32;
const SURE: u32 = 2;

/** Before the first record. */
export function startTrackers(): void {
  store<u32>(RING, u32(RING), Model.OLDER);
  store<u32>(RING, u32(RING), Model.NEWER);
  for (let tracker = FIRST; tracker < END; tracker += Model.TRACKER) link(tracker, RING);
}

/** Whether a line is the next of a stream. Changes nothing. */
export function continues(line: u64): bool {
  for (let tracker = FIRST; tracker < END; tracker += Model.TRACKER) {
    if (load<u64>(tracker, Model.NEXT) != line) continue;
    if (load<u32>(tracker, Model.CONFIDENCE) >= SURE) return true;
  }
  return false;
}

/** Shows a miss to the trackers. True when it continues a stream. */
export function train(line: u64): bool {
  for (let tracker = FIRST; tracker < END; tracker += Model.TRACKER) {
    if (load<u64>(tracker, Model.NEXT) != line) continue;
    // Without a stride yet.
    if (load<u64>(tracker, Model.LAST) == line) continue;
    const confidence = load<u32>(tracker, Model.CONFIDENCE) + 1;
    turn(tracker, line, 2 * line - load<u64>(tracker, Model.LAST), confidence);
    return confidence > SURE;
  }
  const near = nearTo(line);
  if (!near) turn(load<u32>(RING, Model.NEWER), line, line, 0);
  // The same line again teaches nothing.
  else if (load<u64>(near, Model.LAST) != line)
    turn(near, line, 2 * line - load<u64>(near, Model.LAST), 1);
  return false;
}

/** The last tracker that saw a line near this one, 0 when none did. */
function nearTo(line: u64): usize {
  let near: usize = 0;
  for (let tracker = FIRST; tracker < END; tracker += Model.TRACKER) {
    const isNear = line - load<u64>(tracker, Model.LAST) + REACH <= 2 * REACH;
    near = select(tracker, near, isNear);
  }
  return near;
}

function turn(tracker: usize, line: u64, next: u64, confidence: u32): void {
  store<u64>(tracker, line, Model.LAST);
  store<u64>(tracker, next, Model.NEXT);
  store<u32>(tracker, confidence, Model.CONFIDENCE);
  renew(RING, tracker);
}
