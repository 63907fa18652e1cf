// RMPUPDATE: the hypervisor assigns a page, or takes it back. APM vol. 3, RMPUPDATE; spec digest rmp.md 4.2.
import * as Events from "../../ts/abi/events";
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import { bit, LARGE_PAGES, mask, OFFSET, PAGE_SHIFT, pageOf } from "../address";
import { count } from "../events";
import { settle } from "../page";
import {
  firstPermissions,
  governing,
  headOf,
  highOf,
  lowOf,
  makeEntry,
  put,
  subpagesOf,
} from "../rmp";
import { isCovered } from "../rmp-table";
import { hostOnly } from "./host-only";

const LARGE_OFFSET: u64 = 0x1fffff;
const ASIDS: u32 = 1 << Rmp.ASID_WIDTH;
// What decides whose page it is: when any of these changes, validation is lost.
const OWNER_BITS: u64 =
  (u64(1) << Rmp.ASSIGNED_BIT) |
  (u64(1) << Rmp.PAGE_SIZE_BIT) |
  (((u64(1) << Rmp.GPA_WIDTH) - 1) << Rmp.GPA_LSB) |
  (((u64(1) << Rmp.ASID_WIDTH) - 1) << Rmp.ASID_LSB);

/** RAX = spa, RCX = a linear address of rmp_state. Answers EAX, or Answer.REFUSED. */
export function rmpupdate(spa: u64, state: usize, inGuest: bool): u32 {
  const legal = hostOnly(true, inGuest);
  if (legal != RmpState.SUCCESS) return legal;
  const large = load<u8>(state, RmpState.PAGE_SIZE) != 0;
  if (!isWellFormed(spa, state, large)) return RmpState.FAIL_INPUT;
  const page = pageOf(spa);
  const pages = large ? LARGE_PAGES : 1;
  if (!isCovered(page)) return RmpState.FAIL_INPUT;
  if (hasAny(Rmp.IMMUTABLE_BIT, page, pages)) return RmpState.FAIL_PERMISSION;
  if (hasAny(Rmp.LOCK_BIT, page, pages)) return RmpState.FAIL_INUSE;
  if (overlaps(page, large)) return RmpState.FAIL_OVERLAP;
  // Both the region's first entry, which counts, and the page's own.
  if (!makeEntry(headOf(page)) || !makeEntry(page)) return RmpState.FAIL_INUSE;
  count(Events.RMPUPDATES, 1);
  for (let i: u32 = 0; i < pages; i++) settle(page + i);
  assign(page, state);
  return RmpState.SUCCESS;
}

function isWellFormed(spa: u64, state: usize, large: bool): bool {
  const within = large ? LARGE_OFFSET : u64(OFFSET);
  const assigned = load<u8>(state, RmpState.ASSIGNED);
  const size = load<u8>(state, RmpState.PAGE_SIZE);
  const immutable = load<u8>(state, RmpState.IMMUTABLE);
  const asid = load<u32>(state, RmpState.ASID);
  const gpa = load<u64>(state, RmpState.GPA);
  if ((spa | gpa) & within) return false;
  if (gpa >> (Rmp.GPA_LSB + Rmp.GPA_WIDTH) || asid >= ASIDS) return false;
  if ((assigned | size | immutable) & 0xfe || load<u8>(state, RmpState.RESERVED_0B)) return false;
  return assigned != 0 || (asid == 0 && immutable == 0);
}

/** Whether one of the entries has a bit set: only the firmware may change it, or a running vCPU holds it. */
function hasAny(position: i32, page: u32, pages: u32): bool {
  for (let i: u32 = 0; i < pages; i++) {
    if (bit(lowOf(governing(page + i)), position)) return true;
  }
  return false;
}

/** Whether a 4 KiB and a 2 MiB entry would stand for the same memory. */
function overlaps(page: u32, large: bool): bool {
  const head = lowOf(headOf(page));
  const headIsLarge = bit(head, Rmp.ASSIGNED_BIT) && bit(head, Rmp.PAGE_SIZE_BIT);
  if (!large) return headIsLarge;
  if (headIsLarge) return false;
  return bit(head, Rmp.ASSIGNED_BIT) || subpagesOf(head) != 0;
}

function assign(page: u32, state: usize): void {
  const assigned = u64(load<u8>(state, RmpState.ASSIGNED));
  if (!assigned) return put(page, 0, 0);
  const asid = load<u32>(state, RmpState.ASID);
  const old = lowOf(page);
  let low =
    (assigned << Rmp.ASSIGNED_BIT) |
    (u64(load<u8>(state, RmpState.PAGE_SIZE)) << Rmp.PAGE_SIZE_BIT) |
    (u64(load<u8>(state, RmpState.IMMUTABLE)) << Rmp.IMMUTABLE_BIT) |
    ((load<u64>(state, RmpState.GPA) >> PAGE_SHIFT) << Rmp.GPA_LSB) |
    (u64(asid) << Rmp.ASID_LSB);
  const same = asid != 0 && ((low ^ old) & OWNER_BITS) == 0;
  if (!same) return put(page, low, asid ? firstPermissions() : 0);
  low |= old & (mask(Rmp.VALIDATED_BIT) | mask(Rmp.VMSA_BIT));
  put(page, low, highOf(page));
}
