// System memory as a sparse array of ciphertext: frames of linear memory, and the two-level directory that finds them.
import * as Directory from "../ts/abi/directory";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as State from "../ts/abi/state";
import { LARGE_PAGES, PAGE, PAGE_SHIFT } from "./address";
import { outOfFrames } from "./exit";
import { evict } from "./page";

// A leaf of the directory is one frame: 512 entries, 2 MiB of system memory.
const LEAF_SHIFT = 9;
/** The frame of a directory entry's OPEN. */
export const FRAME: u32 = (1 << Directory.FRAME_WIDTH) - 1;

/** Where a frame lies in linear memory. */
export function bytesOf(frame: u32): usize {
  return usize(frame) << PAGE_SHIFT;
}

/** What is known of a frame: a row of ts/abi/frame.ts. */
export function infoOf(frame: u32): usize {
  return Memory.FRAME_TABLE + usize(frame) * Frame.SIZE;
}

/** The key that a frame's page is open under. */
export function keyOf(frame: u32): u32 {
  return load<u32>(usize(frame) * Frame.SIZE, Memory.FRAME_TABLE + Frame.KEY);
}

/** A frame with any content; 0, and the exit record says so, when none is left and nothing can be closed. */
export function takeFrame(): u32 {
  const free = load<u32>(Memory.STATE, State.FREE_FRAME);
  if (free) {
    store<u32>(Memory.STATE, load<u32>(bytesOf(free)), State.FREE_FRAME);
    return free;
  }
  const next = load<u32>(Memory.STATE, State.NEXT_FRAME);
  if (next < load<u32>(Memory.STATE, State.FRAMES)) {
    store<u32>(Memory.STATE, next + 1, State.NEXT_FRAME);
    return next;
  }
  return evict() ? takeFrame() : outOfFrames();
}

/** A frame of zeros, for a table of the emulator's own. */
export function takeZeroFrame(): u32 {
  const frame = takeFrame();
  if (frame) memory.fill(bytesOf(frame), 0, PAGE);
  return frame;
}

/** Gives a frame back. */
export function giveFrame(frame: u32): void {
  store<u32>(bytesOf(frame), load<u32>(Memory.STATE, State.FREE_FRAME));
  store<u32>(Memory.STATE, frame, State.FREE_FRAME);
}

/** Whether the machine has memory at this page. */
export function isDram(page: u32): bool {
  return page < load<u32>(Memory.STATE, State.DRAM_PAGES);
}

/** Whether a page is registers behind a root port instead. */
export function isMmio(page: u32): bool {
  return (
    page - load<u32>(Memory.STATE, State.MMIO_FIRST) < load<u32>(Memory.STATE, State.MMIO_PAGES)
  );
}

function leafOf(page: u32): usize {
  return load<u32>(Memory.STATE, State.DIRECTORY_ROOT) + (usize(page >> LEAF_SHIFT) << 2);
}

/** The directory entry of a page, or 0 while nothing was ever kept of its 2 MiB: never of an MMIO page's. */
export function directoryEntry(page: u32): usize {
  if (!isDram(page)) return 0;
  const leaf = load<u32>(leafOf(page));
  return leaf ? bytesOf(leaf) + (usize(page & (LARGE_PAGES - 1)) << 3) : 0;
}

/** What the directory has of a page of memory beside its ciphertext: the frame it is open in, and its mark. */
export function openOf(page: u32): u32 {
  const leaf = load<u32>(leafOf(page));
  // Frame 0 is zeros.
  return load<u32>(bytesOf(leaf) + (usize(page & (LARGE_PAGES - 1)) << 3), Directory.OPEN);
}

/** The directory entry of a page, made if need be; 0 when out of frames. */
export function makeDirectoryEntry(page: u32): usize {
  const at = leafOf(page);
  if (!load<u32>(at)) {
    const leaf = takeZeroFrame();
    if (!leaf) return 0;
    store<u32>(at, leaf);
  }
  return directoryEntry(page);
}

/** The frame of ciphertext of a page, or 0: then the chips hold zeros. */
export function dramFrame(entry: usize): u32 {
  return load<u32>(entry, Directory.DRAM);
}

/** The frame a page is open in, or 0. */
export function openFrame(entry: usize): u32 {
  return load<u32>(entry, Directory.OPEN) & FRAME;
}

/** Says in which frame a page is open (0: in none); the mark of a walked table stays. */
export function setOpenFrame(entry: usize, frame: u32): void {
  const open = load<u32>(entry, Directory.OPEN);
  store<u32>(entry, (open & ~FRAME) | frame, Directory.OPEN);
}
