// The reference: the same replay over flat memory, with no tables, no RMP and no cipher. A page of guest virtual memory is a
// frame found by hashing; every generation must load what this loads.
import * as Memory from "../ts/abi/memory";
import * as State from "../ts/abi/state";
import { OFFSET, PAGE, PAGE_SHIFT } from "./address";
import { bytesOf, takeFrame } from "./dram";
import { FETCH, READ, remember, WRITE } from "./tlb";
import { imageWord } from "./value";

// An entry of the open-addressed table: u64 virtual page number + 1, u32 frame.
const ENTRY = 16;
const HASH: u64 = 0x9e3779b97f4a7c15;

/** Makes this instance the reference: the table takes frames from the machine's own. Answers the pages it can hold. */
export function startFlat(): u32 {
  const first = load<u32>(Memory.STATE, State.NEXT_FRAME);
  const frames = load<u32>(Memory.STATE, State.FRAMES) - first;
  let entries: u32 = 256;
  while (entries < frames) entries <<= 1;
  const tableFrames = (entries * ENTRY) >> PAGE_SHIFT;
  if (tableFrames >= frames) return 0;
  store<u32>(Memory.STATE, u32(bytesOf(first)), State.FLAT_TABLE);
  store<u32>(Memory.STATE, entries - 1, State.FLAT_MASK);
  store<u32>(Memory.STATE, first + tableFrames, State.NEXT_FRAME);
  return frames - tableFrames;
}

/** Whether this instance is the reference. */
export function isFlat(): bool {
  return load<u32>(Memory.STATE, State.FLAT_TABLE) != 0;
}

/** The slow way to a byte of flat memory: find the page's frame, or make it. 0 when out of frames. */
export function flatTo(gva: u64, tag: u64): usize {
  const number = (gva >> PAGE_SHIFT) + 1;
  const entry = find(number);
  let frame = load<u32>(entry, 8);
  if (!frame) {
    frame = takeFrame();
    if (!frame) return 0;
    fillImage(gva & ~u64(OFFSET), bytesOf(frame));
    store<u64>(entry, number);
    store<u32>(entry, frame, 8);
    store<u32>(Memory.STATE, load<u32>(Memory.STATE, State.FLAT_PAGES) + 1, State.FLAT_PAGES);
  }
  remember(gva, tag, READ | WRITE | FETCH, frame);
  return bytesOf(frame) | (usize(gva) & OFFSET);
}

function find(number: u64): usize {
  const table = load<u32>(Memory.STATE, State.FLAT_TABLE);
  const last = load<u32>(Memory.STATE, State.FLAT_MASK);
  let at = u32((number * HASH) >> 32) & last;
  while (true) {
    const entry = usize(table) + usize(at) * ENTRY;
    const seen = load<u64>(entry);
    if (seen == number || seen == 0) return entry;
    at = (at + 1) & last;
  }
}

/** Writes a page's first contents to a linear address. */
export function fillImage(gva: u64, to: usize): void {
  for (let at: u32 = 0; at < PAGE; at += 8) store<u64>(to + at, imageWord(gva + at));
}

/** How many pages were touched. */
export function flatPages(): u32 {
  return load<u32>(Memory.STATE, State.FLAT_PAGES);
}

/** Lists touched pages into Memory.WINDOW (u64 virtual page numbers, up to 8192) from table entry `from` on.
 *  Answers the entry to go on from, 0 at the end; the count stands in the first word. */
export function listFlatPages(from: u32): u32 {
  const table = load<u32>(Memory.STATE, State.FLAT_TABLE);
  const last = load<u32>(Memory.STATE, State.FLAT_MASK);
  let listed: u32 = 0;
  let at = from;
  for (; at <= last && listed < 8191; at++) {
    const number = load<u64>(usize(table) + usize(at) * ENTRY);
    if (number) store<u64>(Memory.WINDOW + (usize(++listed) << 3), number - 1);
  }
  store<u64>(Memory.WINDOW, listed);
  return at > last ? 0 : at;
}
