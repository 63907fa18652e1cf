// The part's TLBs and its table walker. A miss reads the tables entry by entry through the caches: the guest's, each of whose
// addresses needs the host's, and where SNP is on an RMP entry for every page that was reached. APM vol. 2, 15.25 and 15.36.10.
import * as Model from "../../ts/abi/model";
import { add, charge, MODEL, setting } from "./base";
import { below } from "./cache";
import { continues } from "./stream";
import { forget, touch } from "./tags";

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
// Marks what the hypervisor gave, in the table of what was touched; the guest fills pages by 4 KiB, whatever their size.
const BACKED: u64 = u64(1) << 60;
const NO_PAGE: u64 = u64.MAX_VALUE;

let lastFetched: u64 = NO_PAGE;
let lastData: u64 = NO_PAGE;

/** The picoseconds that translating an instruction's address costs. */
export function translateFetch(gva: u64, line: u64): u64 {
  const page = gva >> setting(Model.PAGE_SHIFT);
  if (page == lastFetched) return 0;
  lastFetched = page;
  if (touch(ITLB1, page + 1, 0)) return 0;
  if (touch(ITLB2, page + 1, 0)) {
    add(Model.ITLB2_HITS, 1);
    return setting(Model.ITLB2_PS);
  }
  return miss(ITLB1, ITLB2, page, gva, continues(line));
}

/** The picoseconds that translating an operand's address costs. */
export function translateData(gva: u64, line: u64): u64 {
  const page = gva >> setting(Model.PAGE_SHIFT);
  if (page == lastData) return 0;
  lastData = page;
  if (touch(DTLB1, page + 1, 0)) return 0;
  if (touch(DTLB2, page + 1, 0)) {
    add(Model.DTLB2_HITS, 1);
    return setting(Model.DTLB2_PS);
  }
  return miss(DTLB1, DTLB2, page, gva, continues(line));
}

function miss(level1: usize, level2: usize, page: u64, gva: u64, stream: bool): u64 {
  if (setting(Model.FLUSH) && isFirstTouch(page | BACKED)) {
    add(Model.FIRST_TOUCHES, 1);
    if (setting(Model.FLUSH) == Model.FLUSH_ALL) {
      flush();
      touch(level1, page + 1, 0);
      touch(level2, page + 1, 0);
      lastFetched = NO_PAGE;
      lastData = NO_PAGE;
    }
  }
  add(stream ? Model.STREAM_WALKS : Model.WALKS, 1);
  return walk(gva, stream);
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
function walk(gva: u64, stream: bool): u64 {
  const leaf: u64 = setting(Model.PAGE_SHIFT) == 12 ? 0 : 1;
  let cost: u64 = 0;
  let level: u64 = touch(DIRECTORIES, (gva >> (21 + 9 * leaf)) + 1, 0) ? leaf : 3;
  while (true) {
    const index = gva >> (12 + 9 * level);
    // Each table is a page of guest physical memory of its own, beyond what programs have.
    const table = ((level + 1) << 44) | (index >> 9);
    cost += nested(table, leaf, stream);
    cost += read(SPACE_GUEST | (table << 6) | ((index & 511) >> 3), Model.GUEST_TABLE, stream);
    if (level == leaf) break;
    level--;
  }
  return cost + nested(gva >> 12, leaf, stream);
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

/** Remembers pages. True the first time. */
export function isFirstTouch(page: u64): bool {
  const mask = setting(Model.TOUCHED_MASK);
  let at = u32(((page + 1) * HASH) >> 32) & mask;
  while (true) {
    const cell = usize(setting(Model.TOUCHED)) + (usize(at) << 3);
    const seen = load<u64>(cell);
    if (seen == page + 1) return false;
    if (seen == 0) {
      store<u64>(cell, page + 1);
      return true;
    }
    at = (at + 1) & mask;
  }
}
