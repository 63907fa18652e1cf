// One guest access from start to end: TLB, walk, RMP, plaintext. Read this first.
import * as Exit from "../ts/abi/exit";
import * as Frame from "../ts/abi/frame";
import { isCanonical, OFFSET, PAGE, pageOf } from "./address";
import { bytesOf, directoryEntry, infoOf, isTable } from "./dram";
import { exception } from "./exit";
import { flatTo, isFlat } from "./flat";
import { open, openForWrite } from "./page";
import { FETCH, lookup, READ, remember, vcpuTag, WRITE } from "./tlb";
import { spa, walk, walkedKey } from "./walk";

/** What a refused step answers; the exit record says why. */
export const NOWHERE: usize = 0;

/** Where the bytes of an access of `bytes` within one page are, in plaintext. Marks what will be written dirty. */
export function locate(gva: u64, bytes: u32, need: u64, tag: u64): usize {
  const found = lookup(gva, tag, need);
  if (found && need != WRITE) return found;
  if (found) {
    const info = infoOf(u32(found >> 12));
    store<u64>(info, load<u64>(info, Frame.DIRTY) | linesOf(found, bytes), Frame.DIRTY);
    return found;
  }
  return walkTo(gva, bytes, need, tag);
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
  const page = pageOf(spa);
  const key = walkedKey();
  const offset = u32(spa) & OFFSET;
  const frame = need == WRITE ? openForWrite(page, key, offset, bytes) : open(page, key);
  if (!frame) return NOWHERE;
  // A page that walks read is written the slow way only: remember() must not grant writes to it.
  const rights = need == WRITE ? READ | (isTable(directoryEntry(page)) ? 0 : WRITE) : need;
  remember(gva, tag, rights, frame);
  return bytesOf(frame) | offset;
}

// Where the two halves of an access that crosses a page are. The second is NOWHERE when it does not cross.
export let first: usize = 0;
export let second: usize = 0;
export let firstBytes: u32 = 0;

/** Locates both halves of an access before either is touched, so that a refused access leaves nothing half done. */
export function locateBoth(gva: u64, bytes: u32, need: u64, tag: u64): bool {
  const room: u32 = PAGE - (u32(gva) & OFFSET);
  second = NOWHERE;
  // A TLB tag holds 48 bits of a gva: the upper ones must say nothing else.
  if (!isCanonical(gva) || !isCanonical(gva + bytes - 1)) return exception(Exit.GP, 0, gva);
  firstBytes = bytes <= room ? bytes : room;
  first = locate(gva, firstBytes, need, tag);
  if (!first || bytes <= room) return first != NOWHERE;
  second = locate(gva + room, bytes - room, need, tag);
  if (!second) return false;
  // Opening the second page may have evicted the first; then once more, the second being the younger.
  first = locate(gva, firstBytes, need, tag);
  return first != NOWHERE;
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
  if (!locateBoth(gva, bytes, need, vcpuTag())) return false;
  memory.copy(to, first, firstBytes);
  if (second) memory.copy(to + firstBytes, second, bytes - firstBytes);
  return true;
}

/** Copies `bytes` (1 to 4096) from a linear address to `gva`. */
export function write(gva: u64, bytes: u32, from: usize): bool {
  if (!locateBoth(gva, bytes, WRITE, vcpuTag())) return false;
  memory.copy(first, from, firstBytes);
  if (second) memory.copy(second, from + firstBytes, bytes - firstBytes);
  return true;
}
