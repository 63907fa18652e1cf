// The plaintext of a page, as the caches hold it: one copy, under one key, with a dirty mask of 64 lines. The chips get their
// bytes when somebody else looks: another key, a device, an RMP transition, a flush, an eviction.
import * as Directory from "../ts/abi/directory";
import * as Events from "../ts/abi/events";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as State from "../ts/abi/state";
import { LARGE_PAGES, OFFSET, PAGE } from "./address";
import { LINE } from "./aes/lines";
import { beforeWrite, forgetTable, isTable } from "./dependent";
import {
  bytesOf,
  directoryEntry,
  dramFrame,
  giveFrame,
  infoOf,
  makeDirectoryEntry,
  openFrame,
  setOpenFrame,
  takeFrame,
  takeZeroFrame,
} from "./dram";
import { count } from "./events";
import { frameClosed, frameOpened } from "./slots";
import { flushTlb, forgetWalksTo } from "./tlb";
import { decryptPage, encryptLines, EVERY_LINE } from "./xex";

/** Opens a page under a key. Answers the frame with its plaintext; 0 when out of frames. */
export function open(page: u32, key: u32): u32 {
  const entry = makeDirectoryEntry(page);
  return entry ? openAt(entry, page, key, true) : 0;
}

/** As open, where the page's directory entry is at hand. What will be overwritten as a whole need not be deciphered. */
export function openAt(entry: usize, page: u32, key: u32, decipher: bool): u32 {
  const held = openFrame(entry);
  if (held) {
    if (load<u32>(infoOf(held), Frame.KEY) == key) return held;
    close(entry);
  }
  const frame = takeFrame();
  if (!frame) return 0;
  const dram = dramFrame(entry);
  if (decipher) decryptPage(page, key, dram ? bytesOf(dram) : Memory.NOTHING, bytesOf(frame));
  if (key != Frame.RAW) count(Events.LINES_DECRYPTED, 64);
  const info = infoOf(frame);
  store<u64>(info, 0, Frame.DIRTY);
  store<u32>(info, page, Frame.PAGE);
  store<u32>(info, key, Frame.KEY);
  link(frame);
  frameOpened(key);
  setOpenFrame(entry, frame);
  return frame;
}

/** Opens a page to write `bytes` at `offset`; marks the lines dirty and drops the walks that the write makes stale. */
export function openForWrite(page: u32, key: u32, offset: u32, bytes: u32): u32 {
  const entry = makeDirectoryEntry(page);
  if (!entry) return 0;
  const held = openFrame(entry);
  const same = held != 0 && load<u32>(infoOf(held), Frame.KEY) == key;
  const frame = openAt(entry, page, key, bytes < PAGE);
  if (!frame) return 0;
  if (isTable(entry)) {
    if (same) beforeWrite(entry, frame, offset, bytes);
    else forgetTable(entry);
  }
  markDirty(frame, offset, bytes);
  return frame;
}

/** Marks the lines of a write dirty. `bytes` may be 0. */
export function markDirty(frame: u32, offset: u32, bytes: u32): void {
  if (bytes == 0) return;
  const first = offset / LINE;
  const last = (offset + bytes - 1) / LINE;
  const lines = (EVERY_LINE >> (63 - u64(last - first))) << u64(first);
  const info = infoOf(frame);
  store<u64>(info, load<u64>(info, Frame.DIRTY) | lines, Frame.DIRTY);
}

/** Drops the walks that end in a frame, and what knows it as a table. */
export function forgetFrame(frame: u32): void {
  const info = infoOf(frame);
  store<u32>(info, load<u32>(info, Frame.GENERATION) + 1, Frame.GENERATION);
  forgetWalksTo(frame);
}

/** The frame that holds what the chips have of a page, made if need be; 0 when out of frames. The page is not open then. */
export function makeDram(page: u32): u32 {
  const entry = makeDirectoryEntry(page);
  if (!entry) return 0;
  close(entry);
  if (!dramFrame(entry)) store<u32>(entry, takeZeroFrame(), Directory.DRAM);
  return dramFrame(entry);
}

/** The chips hold zeros at a page from now on. */
export function clearDram(page: u32): void {
  const entry = directoryEntry(page);
  if (!entry) return;
  settle(page);
  const dram = dramFrame(entry);
  if (dram) memory.fill(bytesOf(dram), 0, PAGE);
}

/** Drops the walks to a page, and those that read it: its owner or permissions change, its bytes do not. */
export function forgetPage(page: u32): void {
  const entry = directoryEntry(page);
  if (!entry) return;
  const frame = openFrame(entry);
  if (frame) forgetFrame(frame);
  if (isTable(entry)) forgetTable(entry);
}

/** Drops the walks to the 2 MiB that hold a page: nested mappings of that size may no longer be written through. */
export function forgetLarge(page: u32): void {
  const head = page & ~(LARGE_PAGES - 1);
  if (!directoryEntry(head)) return;
  for (let i: u32 = 0; i < LARGE_PAGES; i++) {
    const frame = openFrame(directoryEntry(head + i));
    if (frame) forgetFrame(frame);
  }
}

/** Closes an open page: its dirty lines go to the chips, its frame goes back. Needs no frame, so it cannot fail. */
export function close(entry: usize): void {
  const frame = openFrame(entry);
  if (!frame) return;
  const info = infoOf(frame);
  const dirty = load<u64>(info, Frame.DIRTY);
  const key = load<u32>(info, Frame.KEY);
  const page = load<u32>(info, Frame.PAGE);
  const dram = dramFrame(entry);
  const bytes = bytesOf(frame);
  const to = dram ? bytesOf(dram) : bytes;
  encryptLines(page, key, dirty, bytes, to);
  if (key != Frame.RAW) count(Events.LINES_ENCRYPTED, u64(popcnt(dirty)));
  release(entry, frame);
  if (dram) return giveFrame(frame);
  // The frame becomes the page's DRAM: a line that was never written still holds the zeros it was decrypted from.
  for (let rest = ~dirty; rest; rest &= rest - 1) {
    memory.fill(bytes + usize(ctz(rest)) * LINE, 0, LINE);
  }
  store<u32>(entry, frame, Directory.DRAM);
}

/** The page is no longer open in the frame. */
function release(entry: usize, frame: u32): void {
  const info = infoOf(frame);
  forgetFrame(frame);
  unlink(frame);
  setOpenFrame(entry, 0);
  frameClosed(load<u32>(info, Frame.KEY));
}

/** Closes a page before its owner changes, and drops the walks that read it. */
export function settle(page: u32): void {
  const entry = directoryEntry(page);
  if (!entry) return;
  close(entry);
  if (isTable(entry)) forgetTable(entry);
}

/** WBINVD: every dirty line goes to the chips. */
export function writeBackAll(): void {
  store<u32>(Memory.STATE, load<u32>(Memory.STATE, State.FLUSHES) + 1, State.FLUSHES);
  for (let frame = firstOpen(); frame; frame = firstOpen()) close(entryOfFrame(frame));
}

/** How often WBINVD ran: the firmware asks for one before an ASID is used again. */
export function flushes(): u32 {
  return load<u32>(Memory.STATE, State.FLUSHES);
}

/** INVD: dirty lines are lost and the chips keep what they had; with SNP it writes back, as WBINVD, unless the part has the
 *  flaw of CVE-2023-20592. */
export function invalidateAll(): void {
  const safe = load<u32>(Memory.STATE, State.SNP_ENABLED) != 0;
  if (safe && !load<u32>(Memory.STATE, State.CACHE_WARP)) return writeBackAll();
  for (let frame = firstOpen(); frame; frame = firstOpen()) {
    release(entryOfFrame(frame), frame);
    giveFrame(frame);
  }
  flushTlb();
}

/** Closes the page opened longest ago whose frame would come free. False when there is none. */
export function evict(): bool {
  for (let frame = firstOpen(); frame; frame = load<u32>(infoOf(frame), Frame.NEXT)) {
    const entry = entryOfFrame(frame);
    if (!dramFrame(entry)) continue;
    close(entry);
    return true;
  }
  return false;
}

/** Copies what the chips would hold if dirty lines had just been written back. Changes nothing, counts nothing. */
export function peek(page: u32, offset: u32, bytes: u32, to: usize): void {
  const entry = directoryEntry(page);
  const whole = Memory.SCRATCH + PAGE;
  const dram = entry ? dramFrame(entry) : 0;
  memory.copy(whole, dram ? bytesOf(dram) : Memory.NOTHING, PAGE);
  const frame = entry ? openFrame(entry) : 0;
  if (frame) {
    const info = infoOf(frame);
    const dirty = load<u64>(info, Frame.DIRTY);
    encryptLines(page, load<u32>(info, Frame.KEY), dirty, bytesOf(frame), whole);
  }
  memory.copy(to, whole + (offset & OFFSET), bytes);
}

function firstOpen(): u32 {
  return load<u32>(Memory.STATE, State.OPEN_FIRST);
}

function entryOfFrame(frame: u32): usize {
  return directoryEntry(load<u32>(infoOf(frame), Frame.PAGE));
}

/** Appends a frame to the list of open ones, in opening order. */
function link(frame: u32): void {
  const last = load<u32>(Memory.STATE, State.OPEN_LAST);
  const info = infoOf(frame);
  store<u32>(info, last, Frame.PREVIOUS);
  store<u32>(info, 0, Frame.NEXT);
  if (last) store<u32>(infoOf(last), frame, Frame.NEXT);
  else store<u32>(Memory.STATE, frame, State.OPEN_FIRST);
  store<u32>(Memory.STATE, frame, State.OPEN_LAST);
  store<u32>(Memory.STATE, load<u32>(Memory.STATE, State.OPEN_COUNT) + 1, State.OPEN_COUNT);
}

function unlink(frame: u32): void {
  const info = infoOf(frame);
  const next = load<u32>(info, Frame.NEXT);
  const previous = load<u32>(info, Frame.PREVIOUS);
  if (previous) store<u32>(infoOf(previous), next, Frame.NEXT);
  else store<u32>(Memory.STATE, next, State.OPEN_FIRST);
  if (next) store<u32>(infoOf(next), previous, Frame.PREVIOUS);
  else store<u32>(Memory.STATE, previous, State.OPEN_LAST);
  store<u32>(Memory.STATE, load<u32>(Memory.STATE, State.OPEN_COUNT) - 1, State.OPEN_COUNT);
}
