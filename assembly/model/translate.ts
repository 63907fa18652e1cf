// The part's TLBs and its table walker. A miss reads the tables entry by entry through the caches: the guest's, each of whose
// addresses needs the host's, and where SNP is on an RMP entry for every page that was reached. APM vol. 2, 15.25 and 15.36.10.
import * as Model from "../../ts/abi/model";
import { PAGE_SHIFT } from "../address";
import { add, charge, knownAt, MODEL, setting } from "./base";
import { below } from "./cache";
import { continues } from "./stream";
import { dropRecent, forgetRecent, touchRecent } from "./recent";
import { drop, forget, touch } from "./tags";
import { fill } from "./transfer";

const ITLB1: usize = MODEL + Model.ITLB1;
const ITLB2: usize = MODEL + Model.ITLB2;
const DTLB1: usize = MODEL + Model.DTLB1;
const DTLB2: usize = MODEL + Model.DTLB2;
const DIRECTORIES: usize = MODEL + Model.DIRECTORIES;
const NESTED_DIRECTORIES: usize = MODEL + Model.NESTED_DIRECTORIES;
const SPACE_GUEST: u64 = u64(Model.SPACE_GUEST_TABLE) << Model.SPACE_LSB;
const SPACE_NESTED: u64 = u64(Model.SPACE_NESTED_TABLE) << Model.SPACE_LSB;
const SPACE_RMP: u64 = u64(Model.SPACE_RMP) << Model.SPACE_LSB;
const HASH: u64 = 0x9e3779b97f4a7c15;
// What a remembered page is, beside its number: a 2 MiB page, or a guest's table and its level.
const LARGE: u64 = u64(1) << 60;
const TABLE: u64 = u64(1) << 61;
const LARGE_PAGES: u64 = 512;
// Large frames lie above 1 TiB, so that small ones never reach them.
const FIRST_LARGE: u64 = 1 << 19;
const NO_PAGE: u64 = u64.MAX_VALUE;

/** The picoseconds that translating an instruction's address costs. */
export function translateFetch(gva: u64, line: u64): u64 {
  const page = gva >> PAGE_SHIFT;
  if (page == load<u64>(MODEL + Model.FETCHED_PAGE)) return 0;
  store<u64>(MODEL + Model.FETCHED_PAGE, page);
  return translate(ITLB1, ITLB2, gva, line, Model.ITLB2_HITS, Model.ITLB2_PS);
}

/** The picoseconds that translating an operand's address costs. */
export function translateData(gva: u64, line: u64): u64 {
  const page = gva >> PAGE_SHIFT;
  if (page == load<u64>(MODEL + Model.DATA_PAGE)) return 0;
  store<u64>(MODEL + Model.DATA_PAGE, page);
  return translate(DTLB1, DTLB2, gva, line, Model.DTLB2_HITS, Model.DTLB2_PS);
}

/** Comes to another 4 KiB page. */
function translate(level1: usize, level2: usize, gva: u64, line: u64, hits: usize, ps: usize): u64 {
  const key = (gva >> setting(Model.PAGE_SHIFT)) + 1;
  const page = gva >> PAGE_SHIFT;
  const isHit = touchRecent(level1, key);
  // A page of 4 KiB that a TLB holds is not new; of a larger one, any may be.
  if (isHit && (!isLarge() || load<u64>(knownAt(page)) == page + 1)) return 0;
  frameOf(page);
  const isNewPage = isNew;
  store<u64>(knownAt(page), page + 1);
  // Whether a stream led here is asked before the kernel's filling of a new page is one.
  let stream = isNewPage && continues(line);
  if (isNewPage && setting(Model.FILL)) fill(page);
  if (isHit) return 0;
  if (touch(level2, key, 0)) {
    add(hits, 1);
    return setting(ps);
  }
  if (!isNewPage) stream = continues(line);
  return miss(level1, level2, key, gva, stream, isNewPage);
}

function isLarge(): bool {
  return setting(Model.PAGE_SHIFT) != PAGE_SHIFT;
}

function miss(
  level1: usize,
  level2: usize,
  key: u64,
  gva: u64,
  stream: bool,
  isNewPage: bool,
): u64 {
  const frame = isLarge() ? frameOf(LARGE | key) * LARGE_PAGES : frameOf(gva >> PAGE_SHIFT);
  if (isLarge() ? isNew : isNewPage) {
    add(Model.FIRST_TOUCHES, 1);
    if (setting(Model.FLUSH) == Model.FLUSH_ALL) {
      flush();
      touchRecent(level1, key);
      touch(level2, key, 0);
      forgetPages();
    }
  }
  add(stream ? Model.STREAM_WALKS : Model.WALKS, 1);
  return walk(gva, frame, stream);
}

function forgetPages(): void {
  store<u64>(MODEL + Model.FETCHED_PAGE, NO_PAGE);
  store<u64>(MODEL + Model.DATA_PAGE, NO_PAGE);
}

/** Before the first record. */
export function startTranslation(): void {
  forgetPages();
  forgetRecent(ITLB1);
  forgetRecent(DTLB1);
  forgetRecent(DIRECTORIES);
  forgetRecent(NESTED_DIRECTORIES);
}

/** The guest gives a page to the host or takes it back, and RMPUPDATE drops its translations, or every one. */
export function changeState(gva: u64): void {
  const drops = setting(Model.STATE_FLUSH);
  if (drops == Model.FLUSH_NEVER) return;
  forgetPages();
  if (drops == Model.FLUSH_ALL) return flush();
  const key = (gva >> setting(Model.PAGE_SHIFT)) + 1;
  dropRecent(ITLB1, key);
  drop(ITLB2, key);
  dropRecent(DTLB1, key);
  drop(DTLB2, key);
}

/** RMPUPDATE on a part that answers it with a flush of every translation it holds. */
function flush(): void {
  add(Model.FLUSHES, 1);
  forgetRecent(ITLB1);
  forget(ITLB2);
  forgetRecent(DTLB1);
  forget(DTLB2);
  forgetRecent(DIRECTORIES);
  forgetRecent(NESTED_DIRECTORIES);
}

/** The guest's tables from the level its cached directory allows, then the page itself. */
function walk(gva: u64, frame: u64, stream: bool): u64 {
  const leaf: u64 = setting(Model.PAGE_SHIFT) == 12 ? 0 : 1;
  let cost: u64 = 0;
  let level: u64 = touchRecent(DIRECTORIES, (gva >> (21 + 9 * leaf)) + 1) ? leaf : 3;
  while (true) {
    const index = gva >> (12 + 9 * level);
    const table = frameOf(TABLE | (level << 56) | (index >> 9));
    cost += nested(table, leaf, stream);
    cost += read(SPACE_GUEST | (table << 6) | ((index & 511) >> 3), Model.GUEST_TABLE, stream);
    if (level == leaf) break;
    level--;
  }
  return cost + nested(frame, leaf, stream);
}

/** The host's tables for a page of guest physical memory, and the RMP entry of the page they name. */
function nested(page: u64, leaf: u64, stream: bool): u64 {
  let cost: u64 = 0;
  let level: u64 = touchRecent(NESTED_DIRECTORIES, (page >> (9 + 9 * leaf)) + 1) ? leaf : 3;
  while (true) {
    const line = SPACE_NESTED | (level << 54) | (page >> (9 * level + 3));
    cost += read(line, Model.NESTED_TABLE, stream);
    if (level == leaf) break;
    level--;
  }
  if (!setting(Model.RMP)) return cost;
  // 16 bytes for each 4 KiB; a 2 MiB page's is the first of its 512.
  const entry = leaf ? page & ~u64(511) : page;
  return cost + read(SPACE_RMP | (entry >> 2), Model.RMP_ENTRY, stream);
}

function read(line: u64, reader: u32, stream: bool): u64 {
  return charge(reader, below(line, line), stream);
}

let isNew: bool = false;

/** The frame of guest physical memory that a page has: given in the order of first use, large ones and small ones apart. */
function frameOf(page: u64): u64 {
  const mask = setting(Model.TOUCHED_MASK);
  // Neighbours stand together: a program's pages do, and the table is larger than a host's caches.
  let at = ((u32(((page >> 3) * HASH) >> 32) << 3) | (u32(page) & 7)) & mask;
  while (true) {
    const cell = usize(setting(Model.TOUCHED)) + (usize(at) << 4);
    const seen = load<u64>(cell);
    isNew = seen == 0;
    if (seen == page + 1) return load<u64>(cell, 8);
    if (!isNew) {
      at = (at + 1) & mask;
      continue;
    }
    const next = page & LARGE ? Model.LARGE_FRAMES : Model.FRAMES;
    const frame = load<u64>(MODEL + next) + (page & LARGE ? FIRST_LARGE : 0);
    add(next, 1);
    store<u64>(cell, page + 1);
    store<u64>(cell, frame, 8);
    return frame;
  }
}
