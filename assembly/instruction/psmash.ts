// PSMASH: a 2 MiB entry becomes 512 entries of 4 KiB; contents and validation stay. APM vol. 3, PSMASH.
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import { bit, LARGE_PAGES, mask, pageOf } from "../address";
import { isDram } from "../dram";
import { settle } from "../page";
import { highOf, isEnabled, lowOf, makeEntry, put } from "../rmp";

const LARGE_OFFSET: u64 = 0x1fffff;

/** RAX = spa. Answers EAX. */
export function psmash(spa: u64): u32 {
  const page = pageOf(spa);
  if (!isEnabled() || spa & LARGE_OFFSET || !isDram(page)) return RmpState.FAIL_INPUT;
  const head = lowOf(page);
  if (!bit(head, Rmp.ASSIGNED_BIT) || !bit(head, Rmp.PAGE_SIZE_BIT)) {
    return RmpState.FAIL_EXPANSION;
  }
  if (bit(head, Rmp.IMMUTABLE_BIT)) return RmpState.FAIL_PERMISSION;
  // The region's two leaves.
  if (!makeEntry(page) || !makeEntry(page + LARGE_PAGES / 2)) return RmpState.FAIL_INUSE;
  const high = highOf(page);
  const low = head & ~mask(Rmp.PAGE_SIZE_BIT);
  for (let i: u32 = 0; i < LARGE_PAGES; i++) {
    settle(page + i);
    put(page + i, low + (u64(i) << Rmp.GPA_LSB), high);
  }
  return RmpState.SUCCESS;
}
