// RMPREAD: the hypervisor reads an entry in the architecture's own form. APM vol. 3, RMPREAD; spec digest rmp.md 2.2.
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import * as State from "../../ts/abi/state";
import { bit, OFFSET, PAGE_SHIFT, pageOf } from "../address";
import { asidOf, governing, gpaOf, hasFeature, lowOf, subpagesOf } from "../rmp";
import { isCovered } from "../rmp-table";
import { hostOnly } from "./host-only";

/** RAX = spa, RCX = a linear address for rmp_state. Answers EAX, or Answer.REFUSED. */
export function rmpread(spa: u64, to: usize, inGuest: bool): u32 {
  const legal = hostOnly(hasFeature(State.RMPREAD_BIT), inGuest);
  if (legal != RmpState.SUCCESS) return legal;
  const page = pageOf(spa);
  if (spa & OFFSET || !isCovered(page)) return RmpState.FAIL_INPUT;
  // Within a 2 MiB page the entry that governs: Linux (sev_gmem_invalidate) looks for Assigned and the size there.
  const entry = governing(page);
  const low = lowOf(entry);
  // Only a region's first entry counts.
  const others = subpagesOf(low) != 0;
  const size = u32(bit(low, Rmp.PAGE_SIZE_BIT)) << RmpState.PAGE_SIZE_BIT;
  memory.fill(to, 0, RmpState.SIZE);
  store<u64>(to, gpaOf(low) + (u64(page - entry) << PAGE_SHIFT), RmpState.GPA);
  store<u8>(to, u8(bit(low, Rmp.ASSIGNED_BIT)), RmpState.ASSIGNED);
  store<u8>(to, u8(size | (u32(others) << RmpState.REGION_ASSIGNED_BIT)), RmpState.PAGE_SIZE);
  store<u8>(to, u8(bit(low, Rmp.IMMUTABLE_BIT)), RmpState.IMMUTABLE);
  store<u32>(to, asidOf(low), RmpState.ASID);
  return RmpState.SUCCESS;
}
