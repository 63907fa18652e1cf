// PVALIDATE: the guest accepts a page, or gives it up. APM vol. 3, PVALIDATE; spec digest rmp.md 4.5.
import * as Events from "../../ts/abi/events";
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import * as Vcpu from "../../ts/abi/vcpu";
import { bit, LARGE_PAGES, mask, pageOf } from "../address";
import { count } from "../events";
import { at, exception, npf, vmexit } from "../exit";
import { settle } from "../page";
import { ALLOWED, checkOwner, governing, highOf, lowOf, put } from "../rmp";
import { READ } from "../tlb";
import {
  FAILED,
  gpa,
  isGuestLarge,
  isPrivate,
  isSnp,
  mayRun,
  NO_FRAME,
  spa,
  walkGuest,
  walkTables,
} from "../walk";

const LARGE_OFFSET: u64 = 0x1fffff;

/** Answered when the instruction did not complete: the exit record says why. */
export const REFUSED: u32 = 0xffff;
/** Set beside EAX: the carry flag, "nothing changed". */
export const CARRY: u32 = 0x100;

/** RAX = gva, ECX = size (0: 4 KiB, 1: 2 MiB), EDX bit 0 = validate. Answers EAX, with CARRY for CF = 1. */
export function pvalidate(gva: u64, size: u32, validate: bool): u32 {
  if (!isSnp()) return refuse(exception(Exit.UD, 0, 0), gva, 0);
  if (!mayRun()) return refuse(vmexit(Exit.VMEXIT_INVALID, 0, 0), gva, 0);
  // Only VMPL0 at CPL 0 may: UNCERTAIN which fault VMPL 1 to 3 get; #GP(0) as for CPL.
  const allowed = load<u32>(Memory.VCPU, Vcpu.CPL) == 0 && load<u32>(Memory.VCPU, Vcpu.VMPL) == 0;
  if (!allowed) return refuse(exception(Exit.GP, 0, 0), gva, 0);
  if (size > 1 || (size == 1 && gva & LARGE_OFFSET)) return RmpState.FAIL_INPUT;
  if (!walkGuest(gva, READ)) return refuse(false, gva, gpa);
  if (!isPrivate) return RmpState.FAIL_INPUT;
  const error = mask(Exit.USER_BIT) | mask(Exit.FINAL_BIT) | mask(Exit.ENC_BIT);
  const failure = walkTables(load<u64>(Memory.VCPU, Vcpu.NCR3), gpa, READ);
  if (failure == NO_FRAME) return refuse(false, gva, gpa);
  if (failure) return refuse(npf(error | (failure & ~FAILED), gpa), gva, gpa);
  const page = pageOf(spa);
  const entry = governing(page);
  const low = lowOf(entry);
  const large = bit(low, Rmp.PAGE_SIZE_BIT);
  // The instruction's size is compared with the entry's; the nested mapping's is not.
  const owner = checkOwner(page, gpa, load<u32>(Memory.VCPU, Vcpu.ASID), large);
  const present = error | mask(Exit.PRESENT_BIT);
  if (owner != ALLOWED) return refuse(npf(present | owner, gpa), gva, gpa);
  if (large && size == 0) {
    return refuse(npf(present | mask(Exit.RMP_BIT) | mask(Exit.SIZEM_BIT), gpa), gva, gpa);
  }
  if (size == 1 && (!large || !isGuestLarge)) return RmpState.FAIL_SIZEMISMATCH;
  return change(entry, low, large, validate);
}

function change(entry: u32, low: u64, large: bool, validate: bool): u32 {
  if (bit(low, Rmp.VALIDATED_BIT) == validate) return RmpState.SUCCESS | CARRY;
  count(Events.PVALIDATES, 1);
  // A page given up must not stay reachable by a remembered walk.
  const pages = large ? LARGE_PAGES : 1;
  if (!validate) for (let i: u32 = 0; i < pages; i++) settle(entry + i);
  put(entry, low ^ mask(Rmp.VALIDATED_BIT), highOf(entry));
  return RmpState.SUCCESS;
}

function refuse(never: bool, gva: u64, where: u64): u32 {
  assert(!never);
  at(gva, where);
  return REFUSED;
}
