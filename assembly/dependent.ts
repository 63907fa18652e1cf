// What hangs on a page that walks read: finished walks (tlb.ts) and what they found on their way (walk-cache.ts). Such a page is
// marked with the role it was read in, and has no remembered walk that may write to it; so every write comes by here and
// drops what hangs on the entries it touches, no more. DESIGN.md 3.
import * as Directory from "../ts/abi/directory";
import * as Info from "../ts/abi/frame";
import * as Pte from "../ts/abi/pte";
import { bit, field, LARGE_PAGES, LARGE_SHIFT, pageOf } from "./address";
import { bytesOf, directoryEntry, FRAME, infoOf, isDram, openFrame, openOf } from "./dram";
import { forgetFrame, forgetPage, open } from "./page";
import { flushTlb, forgetWalks } from "./tlb";
import { frameMask } from "./walk";
import { forgetGuestTable, forgetNested, forgetNestedTable } from "./walk-cache";

const TABLE: u32 = 1 << Directory.TABLE_BIT;
const WRITTEN: u32 = 1 << Directory.WRITTEN_BIT;
const REGIONS: u32 = (1 << Directory.REGION_WIDTH) - 1;
const KIND: u32 = ((1 << Directory.KIND_WIDTH) - 1) << Directory.KIND_LSB;
const GUEST: u32 = Directory.GUEST;
const NESTED: u32 = Directory.NESTED;
const MIXED: u32 = Directory.MIXED;
/** A write of more entries than this is taken as one of the whole page. */
const SEVERAL: u32 = 8 * Pte.SIZE;

/** The mark of a guest's table that a walk of `gva` reads at a level. */
export function guestRole(level: u64, gva: u64): u32 {
  return role(GUEST, level, gva);
}

/** The mark of a nested table that a walk of `gpa` reads at a level. */
export function nestedRole(level: u64, gpa: u64): u32 {
  return role(NESTED, level, gpa);
}

function role(kind: u32, level: u64, address: u64): u32 {
  const region = level ? 0 : u32(address >> LARGE_SHIFT) & REGIONS;
  return (
    TABLE |
    (kind << Directory.KIND_LSB) |
    (u32(level) << Directory.LEVEL_LSB) |
    (region << Directory.REGION_LSB)
  );
}

/** Opens a page under a key for a walk that reads it in a role: from now on no remembered walk may write to it. Answers the frame;
 *  0 when out of frames or beyond memory. */
export function openTable(page: u32, key: u32, role: u32): u32 {
  const open = isDram(page) ? openOf(page) : 0;
  const frame = open & FRAME;
  if (frame && (open & ~FRAME) == role && load<u32>(infoOf(frame), Info.KEY) == key) return frame;
  return openAnew(page, key, role);
}

function openAnew(page: u32, key: u32, role: u32): u32 {
  if (!isDram(page)) return 0;
  const frame = open(page, key);
  if (frame) mark(directoryEntry(page), role);
  return frame;
}

/** Whether walks have read the page. */
export function isTable(entry: usize): bool {
  return (load<u32>(entry, Directory.OPEN) & TABLE) != 0;
}

function mark(entry: usize, role: u32): void {
  const open = load<u32>(entry, Directory.OPEN);
  const before = open & ~(FRAME | WRITTEN);
  const mixed = (role & ~KIND) | (MIXED << Directory.KIND_LSB);
  const now = !before || before == role ? role : mixed;
  store<u32>(entry, (open & FRAME) | now, Directory.OPEN);
  if (!before && open) forgetFrame(open & FRAME);
}

/** A walk has read a marked page again, by way of the table cache. */
export function markRead(entry: usize): void {
  const open = load<u32>(entry, Directory.OPEN);
  if (open & WRITTEN) store<u32>(entry, open & ~WRITTEN, Directory.OPEN);
}

/** Before `bytes` at `offset` of a marked page change, whose plaintext is in the frame: drops what hangs on the present entries
 *  among them. No walk remembers an entry that was not present. */
export function beforeWrite(entry: usize, frame: u32, offset: u32, bytes: u32): void {
  const first = offset & ~(Pte.SIZE - 1);
  let present: bool = false;
  for (let at = first; at < offset + bytes && !present; at += Pte.SIZE) {
    present = bit(load<u64>(bytesOf(frame) + at), Pte.PRESENT_BIT);
  }
  if (!present) return;
  const open = load<u32>(entry, Directory.OPEN);
  const kind = u32(field(open, Directory.KIND_LSB, Directory.KIND_WIDTH));
  const level = u32(field(open, Directory.LEVEL_LSB, Directory.LEVEL_WIDTH));
  // Two writes with no walk in between: a guest that fills a table, or has another use for the page. It is no table until it is
  // walked again, and is written as fast as any other page.
  const again = kind == GUEST && (open & WRITTEN) != 0;
  if (kind == MIXED || level > 1 || again || bytes > SEVERAL) return forgetTable(entry);
  if (kind == GUEST) store<u32>(entry, open | WRITTEN, Directory.OPEN);
  const region = u32(field(open, Directory.REGION_LSB, Directory.REGION_WIDTH));
  for (let at = first; at < offset + bytes; at += Pte.SIZE) {
    const old = load<u64>(bytesOf(frame) + at);
    if (!bit(old, Pte.PRESENT_BIT)) continue;
    const index = at / Pte.SIZE;
    const page = level ? index * LARGE_PAGES : region * LARGE_PAGES + index;
    if (kind == GUEST) forgetGuestEntry(page, level, index);
    else forgetNestedEntry(page, level, index, old);
  }
}

/** An entry of a guest's table changes; `page` is the gva's page number as far as the TLB looks at it. */
function forgetGuestEntry(page: u32, level: u32, index: u32): void {
  forgetWalks(page, level ? LARGE_PAGES : 1);
  if (level) forgetGuestTable(index);
}

/** An entry of a nested table changes: what it mapped is walked to anew, and so is what walks read there. */
function forgetNestedEntry(page: u32, level: u32, index: u32, old: u64): void {
  const large = bit(old, Pte.LARGE_BIT);
  if (level && !large) return flushTlb();
  forgetNested(page, level ? LARGE_PAGES : 1);
  if (level) forgetNestedTable(index);
  const first = pageOf(old & frameMask());
  if (!level) return forgetPage(first);
  const head = first & ~(LARGE_PAGES - 1);
  // A leaf of the frame directory is 2 MiB too: without one nothing of them is held.
  if (!directoryEntry(head)) return;
  for (let i: u32 = 0; i < LARGE_PAGES; i++) forgetPage(head + i);
}

/** A marked page changes as a whole, or changes hands: drops everything that hangs on it, and the mark. */
export function forgetTable(entry: usize): void {
  const open = load<u32>(entry, Directory.OPEN);
  const frame = openFrame(entry);
  store<u32>(entry, frame, Directory.OPEN);
  const lowest = TABLE | (GUEST << Directory.KIND_LSB);
  const region = u32(field(open, Directory.REGION_LSB, Directory.REGION_WIDTH));
  if ((open & ~(FRAME | WRITTEN)) != (lowest | (region << Directory.REGION_LSB))) return flushTlb();
  forgetWalks(region * LARGE_PAGES, LARGE_PAGES);
  // The table cache knows it by its frame.
  if (frame) forgetFrame(frame);
}
