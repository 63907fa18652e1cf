// One guest access from start to end: TLB, walk, RMP, plaintext. Read this first.
import * as Exit from "../ts/abi/exit";
import * as Frame from "../ts/abi/frame";
import { isCanonical, mask, OFFSET, PAGE, PAGE_SHIFT, pageOf } from "./address";
import { isTable } from "./dependent";
import { bytesOf, directoryEntry, infoOf } from "./dram";
import { at, mmioAccess, npf } from "./exit";
import { flatTo, isFlat } from "./flat";
import { spa } from "./nested";
import { open, openForWrite } from "./page";
import { FETCH, lookup, READ, remember, vcpuTag, WRITE } from "./tlb";
import { gpa, isDevice, isPrivate, isSnp, walk, walkedKey } from "./walk";

/** What a refused step answers; the exit record says why. */
export const NOWHERE: usize = 0;

/** Where the bytes of an access of `bytes` within one page are, in plaintext. Marks what will be written dirty. */
export function locate(gva: u64, bytes: u32, need: u64, tag: u64): usize {
  // The tag holds 48 bits of the address, so only a canonical one may be looked up.
  const found = isCanonical(gva) ? lookup(gva, tag, need) : NOWHERE;
  if (found && need != WRITE) return found;
  if (found) {
    markLines(found, bytes);
    return found;
  }
  return walkTo(gva, bytes, need, tag);
}

function markLines(place: usize, bytes: u32): void {
  const info = infoOf(u32(place >> PAGE_SHIFT));
  store<u64>(info, load<u64>(info, Frame.DIRTY) | linesOf(place, bytes), Frame.DIRTY);
}

/** The mask of the lines that `bytes` at a linear address touch. */
export function linesOf(place: usize, bytes: u32): u64 {
  const first = u64(place >> 6) & 63;
  const last = u64((place + bytes - 1) >> 6) & 63;
  return (u64.MAX_VALUE >> (63 - (last - first))) << first;
}

/** The slow way: walk, open the page, remember the walk. */
function walkTo(gva: u64, bytes: u32, need: u64, tag: u64): usize {
  if (isFlat()) return flatTo(gva, tag);
  if (!walk(gva, need)) return NOWHERE;
  if (isDevice) return toDevice(gva, bytes, need);
  const page = pageOf(spa);
  const key = walkedKey();
  const offset = u32(spa) & OFFSET;
  if (need == WRITE) return writeTo(gva, tag, page, key, offset, bytes);
  const frame = open(page, key);
  if (!frame) return NOWHERE;
  remember(gva, tag, need, frame);
  return bytesOf(frame) | offset;
}

/** A register is reached through its root port, with the T bit where the guest's mapping is private and the RMP allowed it. */
function toDevice(gva: u64, bytes: u32, need: u64): usize {
  const done = isHalf
    ? npf(
        mask(Exit.PRESENT_BIT) |
          mask(Exit.USER_BIT) |
          mask(Exit.RESERVED_BIT) |
          mask(Exit.FINAL_BIT),
        gpa,
      )
    : mmioAccess(isSnp() && isPrivate, need == WRITE, bytes, spa);
  assert(!done);
  at(gva, gpa);
  return NOWHERE;
}

function writeTo(gva: u64, tag: u64, page: u32, key: u32, offset: u32, bytes: u32): usize {
  const entry = directoryEntry(page);
  const table = entry != 0 && isTable(entry);
  const frame = openForWrite(page, key, offset, bytes);
  if (!frame) return NOWHERE;
  // A page that walks read is written the slow way only; the walk to it may itself have come through it.
  if (!table) remember(gva, tag, READ | WRITE, frame);
  return bytesOf(frame) | offset;
}

// Where the two halves of an access that crosses a page are. The second is NOWHERE when it does not cross.
let first: usize = 0;
let second: usize = 0;
let firstBytes: u32 = 0;
/** The halves are one page under two keys, which cannot be open at once: each is located when it is its turn. */
let apart: bool = false;
/** The access crosses a page: no register is meant by half of one. */
let isHalf: bool = false;

/** Locates both halves of an access before either is touched, so that a refused access leaves nothing half done. */
export function locateBoth(gva: u64, bytes: u32, need: u64, tag: u64): bool {
  const room: u32 = PAGE - (u32(gva) & OFFSET);
  second = NOWHERE;
  apart = false;
  firstBytes = bytes <= room ? bytes : room;
  isHalf = bytes > room;
  first = locate(gva, firstBytes, need, tag);
  if (!first || bytes <= room) return first != NOWHERE;
  second = locate(gva + room, bytes - room, need, tag);
  if (!second) return false;
  // Opening the second page may have closed the first; then once more, and the second too.
  first = locate(gva, firstBytes, need, tag);
  const generation = generationOf(first);
  second = locate(gva + room, bytes - room, need, tag);
  apart = generationOf(first) != generation;
  return first != NOWHERE && second != NOWHERE;
}

function generationOf(place: usize): u32 {
  return load<u32>(infoOf(u32(place >> PAGE_SHIFT)), Frame.GENERATION);
}

/** Copies what locateBoth found to a linear address. */
export function copyFrom(gva: u64, bytes: u32, need: u64, tag: u64, to: usize): void {
  if (apart) first = locate(gva, firstBytes, need, tag);
  memory.copy(to, first, firstBytes);
  if (second && apart) second = locate(gva + firstBytes, bytes - firstBytes, need, tag);
  if (second) memory.copy(to + firstBytes, second, bytes - firstBytes);
}

/** Copies from a linear address to what locateBoth found for a write. */
export function copyTo(gva: u64, bytes: u32, tag: u64, from: usize): void {
  if (apart) first = locate(gva, firstBytes, WRITE, tag);
  memory.copy(first, from, firstBytes);
  if (second && apart) second = locate(gva + firstBytes, bytes - firstBytes, WRITE, tag);
  if (second) memory.copy(second, from + firstBytes, bytes - firstBytes);
}

/** Copies `bytes` (1 to 4096) at `gva` to a linear address. */
export function read(gva: u64, bytes: u32, to: usize): bool {
  return gather(gva, bytes, READ, to);
}

/** As read, but as an instruction fetch. */
export function fetch(gva: u64, bytes: u32, to: usize): bool {
  return gather(gva, bytes, FETCH, to);
}

function gather(gva: u64, bytes: u32, need: u64, to: usize): bool {
  const tag = vcpuTag();
  if (!locateBoth(gva, bytes, need, tag)) return false;
  copyFrom(gva, bytes, need, tag, to);
  return true;
}

/** Copies `bytes` (1 to 4096) from a linear address to `gva`. */
export function write(gva: u64, bytes: u32, from: usize): bool {
  const tag = vcpuTag();
  if (!locateBoth(gva, bytes, WRITE, tag)) return false;
  copyTo(gva, bytes, tag, from);
  return true;
}
