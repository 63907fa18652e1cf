// PSMASH: a 2 MiB entry becomes 512 entries of 4 KiB; contents and validation stay. APM vol. 3, PSMASH.
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import { bit, LARGE_PAGES, mask, pageOf } from "../address";
import { settle } from "../page";
import { highOf, lowOf, makeEntry, put } from "../rmp";
import { isCovered } from "../rmp-table";
import { hostOnly } from "./host-only";

const LARGE_OFFSET: u64 = 0x1fffff;

/** RAX = spa. Answers EAX, or Answer.REFUSED. */
export function psmash(spa: u64, inGuest: bool): u32 {
  const legal = hostOnly(true, inGuest);
  if (legal != RmpState.SUCCESS) return legal;
  const page = pageOf(spa);
  if (spa & LARGE_OFFSET || !isCovered(page)) return RmpState.FAIL_INPUT;
  const head = lowOf(page);
  if (!bit(head, Rmp.ASSIGNED_BIT) || !bit(head, Rmp.PAGE_SIZE_BIT)) {
    return RmpState.FAIL_EXPANSION;
  }
  if (bit(head, Rmp.IMMUTABLE_BIT)) return RmpState.FAIL_PERMISSION;
  if (bit(head, Rmp.LOCK_BIT)) return RmpState.FAIL_INUSE;
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
