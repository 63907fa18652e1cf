// The part's TLBs and its table walker. A miss reads the tables entry by entry through the caches: the guest's, each of whose
// addresses needs the host's, and where SNP is on an RMP entry for every page that was reached. APM vol. 2, 15.25 and 15.36.10.
import * as Model from "../../ts/abi/model";
import { PAGE_SHIFT } from "../address";
import { add, charge, MODEL, setting } from "./base";
import { below } from "./cache";
import { continues } from "./stream";
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

// The 4 KiB pages of the last fetch and the last operand: the same again needs nothing.
let lastFetched: u64 = NO_PAGE;
let lastData: u64 = NO_PAGE;

/** The picoseconds that translating an instruction's address costs. */
export function translateFetch(gva: u64, line: u64): u64 {
  const page = gva >> PAGE_SHIFT;
  if (page == lastFetched) return 0;
  lastFetched = page;
  const stream = enter(page, line);
  const key = (gva >> setting(Model.PAGE_SHIFT)) + 1;
  if (touch(ITLB1, key, 0)) return 0;
  if (!touch(ITLB2, key, 0)) return miss(ITLB1, ITLB2, key, gva, stream);
  add(Model.ITLB2_HITS, 1);
  return setting(Model.ITLB2_PS);
}

/** The picoseconds that translating an operand's address costs. */
export function translateData(gva: u64, line: u64): u64 {
  const page = gva >> PAGE_SHIFT;
  if (page == lastData) return 0;
  lastData = page;
  const stream = enter(page, line);
  const key = (gva >> setting(Model.PAGE_SHIFT)) + 1;
  if (touch(DTLB1, key, 0)) return 0;
  if (!touch(DTLB2, key, 0)) return miss(DTLB1, DTLB2, key, gva, stream);
  add(Model.DTLB2_HITS, 1);
  return setting(Model.DTLB2_PS);
}

/** Comes to a 4 KiB page. Answers whether a stream led here; the kernel fills a page that is new. */
function enter(page: u64, line: u64): bool {
  const stream = continues(line);
  frameOf(page);
  isNewPage = isNew;
  if (isNew && setting(Model.FILL)) fill(page);
  return stream;
}

let isNewPage: bool = false;

function miss(level1: usize, level2: usize, key: u64, gva: u64, stream: bool): u64 {
  const large = setting(Model.PAGE_SHIFT) != PAGE_SHIFT;
  const frame = large ? frameOf(LARGE | key) * LARGE_PAGES : frameOf(gva >> PAGE_SHIFT);
  if (large ? isNew : isNewPage) {
    add(Model.FIRST_TOUCHES, 1);
    if (setting(Model.FLUSH) == Model.FLUSH_ALL) {
      flush();
      touch(level1, key, 0);
      touch(level2, key, 0);
      lastFetched = NO_PAGE;
      lastData = NO_PAGE;
    }
  }
  isNewPage = false;
  add(stream ? Model.STREAM_WALKS : Model.WALKS, 1);
  return walk(gva, frame, stream);
}

/** The guest gives a page to the host or takes it back, and RMPUPDATE drops its translations, or every one. */
export function changeState(gva: u64): void {
  const drops = setting(Model.STATE_FLUSH);
  if (drops == Model.FLUSH_NEVER) return;
  lastFetched = NO_PAGE;
  lastData = NO_PAGE;
  if (drops == Model.FLUSH_ALL) return flush();
  const key = (gva >> setting(Model.PAGE_SHIFT)) + 1;
  drop(ITLB1, key);
  drop(ITLB2, key);
  drop(DTLB1, key);
  drop(DTLB2, key);
}

/** RMPUPDATE on a part that answers it with a flush of every translation it holds. */
function flush(): void {
  add(Model.FLUSHES, 1);
  forget(ITLB1);
  forget(ITLB2);
  forget(DTLB1);
  forget(DTLB2);
  forget(DIRECTORIES);
  forget(NESTED_DIRECTORIES);
}

/** The guest's tables from the level its cached directory allows, then the page itself. */
function walk(gva: u64, frame: u64, stream: bool): u64 {
  const leaf: u64 = setting(Model.PAGE_SHIFT) == 12 ? 0 : 1;
  let cost: u64 = 0;
  let level: u64 = touch(DIRECTORIES, (gva >> (21 + 9 * leaf)) + 1, 0) ? leaf : 3;
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
  let level: u64 = touch(NESTED_DIRECTORIES, (page >> (9 + 9 * leaf)) + 1, 0) ? leaf : 3;
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
  let at = u32(((page + 1) * HASH) >> 32) & mask;
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
