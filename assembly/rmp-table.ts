// Where the RMP lies in system memory, and which memory it covers: contiguous, or in segments. A page of the RMP holds the
// entries of 1 MiB: it is the leaf that assembly/rmp.ts works on. APM vol. 2, 15.36.4; spec digest rmp.md 1.
import * as Memory from "../ts/abi/memory";
import * as Segment from "../ts/abi/rmp-segment";
import * as Table from "../ts/abi/rmp-table";
import { bit, field, pageOf, PAGE_SHIFT } from "./address";
import { isDram, isMmio } from "./dram";

/** 4 KiB pages that one page of the RMP speaks for. */
export const LEAF_SHIFT = 8;
export const LEAF_PAGES: u32 = 1 << LEAF_SHIFT;
const GIB_SHIFT = 30 - PAGE_SHIFT;
const NONE: u32 = 0xffffffff;

function cfg(): u64 {
  return load<u64>(Memory.RMP_TABLE, Table.RMP_CFG);
}

/** RMP_CFG.SegmentedRmpEn. */
export function isSegmented(): bool {
  return bit(cfg(), Table.SEGMENTED_BIT);
}

/** How many bits of a page's number lie within its segment. */
function segmentShift(): u32 {
  return u32(field(cfg(), Table.SEGMENT_SHIFT_LSB, Table.SEGMENT_SHIFT_WIDTH)) - PAGE_SHIFT;
}

function segment(index: u32): u64 {
  return load<u64>(Memory.RST + (usize(index) << 3));
}

function coveredOf(entry: u64): u64 {
  return field(entry, Segment.COVERED_LSB, Segment.COVERED_WIDTH) << GIB_SHIFT;
}

function basePageOf(entry: u64): u32 {
  return u32(field(entry, Segment.BASE_LSB, Segment.BASE_WIDTH)) << (Segment.BASE_LSB - PAGE_SHIFT);
}

/** Whether a page of memory, or of MMIO, has an RMP entry. */
export function isCovered(page: u32): bool {
  if (!isDram(page) && !isMmio(page)) return false;
  if (!isSegmented()) return page < load<u32>(Memory.RMP_TABLE, Table.COVERED_PAGES);
  const shift = segmentShift();
  const index = page >> shift;
  if (index >= load<u32>(Memory.RMP_TABLE, Table.SEGMENTS)) return false;
  // What an entry says beyond the segment's end is clipped: no page of the segment lies there.
  return u64(page & ((1 << shift) - 1)) < coveredOf(segment(index));
}

/** The page of system memory that holds the entries of a covered page. */
export function rmpPageOf(page: u32): u32 {
  if (!isSegmented()) return firstPage() + (page >> LEAF_SHIFT);
  const shift = segmentShift();
  const within = page & ((1 << shift) - 1);
  return basePageOf(segment(page >> shift)) + (within >> LEAF_SHIFT);
}

/** The first of the pages whose entries a page of system memory holds; for one outside the RMP, a page that is not covered. */
export function coveredBy(rmpPage: u32): u32 {
  if (!isSegmented()) {
    const page = u64(rmpPage - firstPage()) << LEAF_SHIFT;
    return rmpPage < firstPage() || page > u64(NONE) ? NONE : u32(page);
  }
  const shift = segmentShift();
  const segments = load<u32>(Memory.RMP_TABLE, Table.SEGMENTS);
  for (let i: u32 = 0; i < segments; i++) {
    const within = u64(rmpPage - basePageOf(segment(i))) << LEAF_SHIFT;
    if (within < coveredOf(segment(i)) && within >> shift == 0) return (i << shift) + u32(within);
  }
  return NONE;
}

/** The first page with entries of a contiguous RMP. */
function firstPage(): u32 {
  return pageOf(load<u64>(Memory.RMP_TABLE, Table.RMP_BASE) + Table.BOOKKEEPING);
}

/** How many ranges of memory are the RMP's own: what RMP_BASE points at, and each segment's part. */
export function ownRanges(): u32 {
  return isSegmented() ? 1 + load<u32>(Memory.RMP_TABLE, Table.SEGMENTS) : 1;
}

/** The first page of such a range. */
export function ownFirst(range: u32): u32 {
  if (range) return basePageOf(segment(range - 1));
  return pageOf(load<u64>(Memory.RMP_TABLE, Table.RMP_BASE));
}

/** Its pages. */
export function ownPages(range: u32): u32 {
  if (range) return u32(min(coveredOf(segment(range - 1)), u64(1) << segmentShift()) >> LEAF_SHIFT);
  const leaves = (load<u32>(Memory.RMP_TABLE, Table.COVERED_PAGES) + LEAF_PAGES - 1) >> LEAF_SHIFT;
  const bookkeeping: u32 = Table.BOOKKEEPING >> PAGE_SHIFT;
  return bookkeeping + (isSegmented() ? 1 : leaves);
}
