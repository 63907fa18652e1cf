// INIT_RMP: every page is the hypervisor's, but for the RMP's own, which are the firmware's. AMD 56860, SNP_INIT_EX.
import * as Memory from "../ts/abi/memory";
import * as Rmp from "../ts/abi/rmp";
import * as Segment from "../ts/abi/rmp-segment";
import * as Table from "../ts/abi/rmp-table";
import * as Slot from "../ts/abi/slot";
import { LARGE_PAGES, PAGE_SHIFT } from "./address";
import { bytesOf } from "./dram";
import { clearDram, makeDram } from "./page";
import { governing, headOf, lowOf, makeEntry, put } from "./rmp";
import { isCovered, isSegmented, ownFirst, ownPages, ownRanges } from "./rmp-table";
import { flushTlb } from "./tlb";

// As a real machine's RMP shows its own pages (AMDSEV issues 189 and 245). Nothing else is both immutable and locked.
const OWN: u64 = (u64(1) << Rmp.IMMUTABLE_BIT) | (u64(1) << Rmp.LOCK_BIT);
const FIRMWARE: u64 = OWN | (u64(1) << Rmp.ASSIGNED_BIT);

/** False when no frame is left; never so once it was true. */
export function clearRmp(): bool {
  const ranges = ownRanges();
  for (let i: u32 = 0; i < ranges; i++) {
    for (let page: u32 = 0; page < ownPages(i); page++) clearDram(ownFirst(i) + page);
  }
  memory.fill(Memory.ASID_COUNTERS, 0, Slot.COUNT << 3);
  flushTlb();
  if (isSegmented() && !writeRst()) return false;
  for (let i: u32 = 0; i < ranges; i++) {
    if (!own(ownFirst(i), ownPages(i))) return false;
  }
  return true;
}

/** The segment table is in memory, as the BIOS left it. */
function writeRst(): bool {
  const frame = makeDram(ownFirst(0) + (Table.BOOKKEEPING >> PAGE_SHIFT));
  if (frame) memory.copy(bytesOf(frame), Memory.RST, Segment.COUNT * Segment.SIZE);
  return frame != 0;
}

function own(first: u32, pages: u32): bool {
  for (let page = first; page < first + pages; ) {
    const large = page == headOf(page) && first + pages - page >= LARGE_PAGES;
    // Nothing is remembered yet that `put` would have to drop: a flush for each 2 MiB of a large machine's RMP.
    if (large && !ownLarge(page)) return false;
    if (!large && !ownSmall(page)) return false;
    page += large ? LARGE_PAGES : 1;
  }
  return true;
}

function ownLarge(page: u32): bool {
  if (!isCovered(page)) return true;
  const entry = makeEntry(page);
  if (entry) store<u64>(entry, FIRMWARE | (u64(1) << Rmp.PAGE_SIZE_BIT));
  return entry != 0;
}

function ownSmall(page: u32): bool {
  if (!isCovered(page)) return true;
  if (!makeEntry(headOf(page)) || !makeEntry(page)) return false;
  put(page, FIRMWARE, 0);
  return true;
}

/** Whether a page holds a part of the RMP: no command may give it away. */
export function isOwnRmp(page: u32): bool {
  return (lowOf(governing(page)) & OWN) == OWN;
}
