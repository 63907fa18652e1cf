// RANGE_LIST: memory named page by page in SNP_INIT_EX and SNP_PAGE_SET_STATE. SNP firmware ABI (AMD 56860), 8.

import * as Range from "../abi/psp/range.ts";
import * as RangeList from "../abi/psp/range-list.ts";
import * as Status from "../abi/status.ts";
import { viewOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import { isCovered, PAGE, readHost } from "./memory.ts";

/** The pages of a RANGE_LIST, or why it is none. */
export function rangesAt(psp: Psp, list: bigint): bigint[] | number {
  const head = readHost(psp, list, RangeList.SIZE);
  if (!head || list & 7n) return Status.INVALID_ADDRESS;
  const count = viewOf(head).getUint32(RangeList.COUNT, true);
  const size = RangeList.SIZE + count * Range.SIZE;
  if (Number(list & 0xfffn) + size > PAGE) return Status.INVALID_PARAM;
  const bytes = readHost(psp, list, size);
  if (!bytes) return Status.INVALID_ADDRESS;
  const pages: bigint[] = [];
  for (let at = RangeList.SIZE; at < size; at += Range.SIZE) {
    const base = viewOf(bytes).getBigUint64(at + Range.BASE, true);
    const count = viewOf(bytes).getUint32(at + Range.PAGE_COUNT, true);
    if (base & 0xfffn || !isCovered(psp.port, base, count * PAGE)) return Status.INVALID_ADDRESS;
    for (let page = 0; page < count; page++) pages.push(base + BigInt(page * PAGE));
  }
  return pages;
}
