// The whole walk from what earlier ones left behind (walk-cache.ts), where all is as it mostly is: an SNP guest's private page of
// 4 KiB, and the lowest tables of the guest and of the host, which are read. No call, as in followed.ts; whatever is not so, it
// leaves to the walk step by step (walk.ts).
import * as Memory from "../ts/abi/memory";
import * as Pte from "../ts/abi/pte";
import * as State from "../ts/abi/state";
import * as Row from "../ts/abi/table-cache";
import * as Vcpu from "../ts/abi/vcpu";
import { OFFSET, PAGE_SHIFT } from "./address";
import { bytesOf } from "./dram";
import { deciding, offsetOf, rights, SET, unusual } from "./followed";
import { againstOwn, ownedBy, rootOf, wanted } from "./rmp";
import { WRITE } from "./tlb";
import { cBit, foundPrivate, frameMask, reservedBits } from "./walk";
import { guestRow, hostRow, isBeyond, unknown, walkTag } from "./walk-cache";

/** Walks to the page and its verdict: where the access is in memory. 0: nothing happened. */
export function walkRemembered(gva: u64, need: u64, tag: u64): u64 {
  if (unusual(gva)) return 0;
  const frames = frameMask();
  const user = load<u32>(Memory.VCPU, Vcpu.CPL) == 3;
  const leaf = reservedBits(true) | (u64(need == WRITE) << Pte.DIRTY_BIT);
  const vcpu = walkTag(tag);
  const guest = guestRow(gva);
  if (unknown(guest, gva, vcpu)) return 0;
  const entry = entryIn(guest, gva);
  const differs = (entry ^ SET) & (deciding(need, user) | leaf);
  if (differs | (denied(guest) & rights(need, user))) return 0;
  if (!(entry & cBit())) return 0;

  const gpa = (entry & frames) | (gva & OFFSET);
  if (isBeyond(gpa)) return 0;
  const host = hostRow(gpa);
  if (unknown(host, gpa, vcpu)) return 0;
  const nested = entryIn(host, gpa);
  const deviates = (nested ^ SET) & (deciding(need, true) | leaf);
  if (deviates | (denied(host) & rights(need, true))) return 0;
  const spa = (nested & frames) | (gva & OFFSET);
  if (spa >> PAGE_SHIFT >= u64(load<u32>(Memory.STATE, State.DRAM_PAGES))) return 0;

  const owned = ownedBy(load<u32>(Memory.VCPU, Vcpu.ASID), false);
  const vmpl = load<u32>(Memory.VCPU, Vcpu.VMPL);
  const page = u32(spa >> PAGE_SHIFT);
  if (againstOwn(rootOf(), page, gpa, owned, vmpl, wanted(need, user))) return 0;
  foundPrivate(gpa);
  return spa;
}

/** The entry of an address in a remembered table. */
function entryIn(row: usize, address: u64): u64 {
  return load<u64>(bytesOf(load<u32>(row, Row.FRAME)) + usize(offsetOf(address, PAGE_SHIFT)));
}

/** The rights that the entries above a remembered table deny. */
function denied(row: usize): u64 {
  const above = u64(load<u32>(row, Row.RIGHTS));
  return (above | (above << (Pte.NX_BIT - Row.NX_BIT))) ^ SET;
}
