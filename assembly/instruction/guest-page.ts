// What PVALIDATE, RMPADJUST and RMPQUERY have in common: who may execute them, and the page that a gva names.
// APM vol. 3; spec digest rmp.md 4.4 and 4.5.
import * as Answer from "../../ts/abi/rmp-answer";
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import * as Vcpu from "../../ts/abi/vcpu";
import { bit, LARGE_PAGES, mask, pageOf } from "../address";
import { at, exception, npf, vmexit } from "../exit";
import { errorOf, NO_FRAME, spa, walkHost } from "../nested";
import { ALLOWED, checkOwner, governing, lowOf } from "../rmp";
import { READ } from "../tlb";
import { gpa, isPrivate, isSnp, mayRun, walkGuest } from "../walk";

export const LARGE_OFFSET: u64 = 0x1fffff;

// What findEntry found.
/** The page whose entry governs, the entry's low quadword, whether it is of 2 MiB, and its pages. */
export let found: u32 = 0;
export let low: u64 = 0;
export let isLarge: bool = false;
export let pages: u32 = 0;

export function vmpl(): u32 {
  return load<u32>(Memory.VCPU, Vcpu.VMPL);
}

/** Whether the kernel of a running SNP guest executes the instruction: #UD, VMEXIT_INVALID or #GP(0) otherwise. */
export function isGuestKernel(exists: bool, gva: u64): bool {
  if (!isSnp() || !exists) return refused(exception(Exit.UD, 0, 0), gva, 0);
  if (!mayRun()) return refused(vmexit(Exit.VMEXIT_INVALID, 0, 0), gva, 0);
  if (load<u32>(Memory.VCPU, Vcpu.CPL) != 0) return refused(exception(Exit.GP, 0, 0), gva, 0);
  return true;
}

/** The guest's half of the walk; the mapping must be private. Answers SUCCESS, FAIL_INPUT or REFUSED. */
export function findGpa(gva: u64): u32 {
  if (!walkGuest(gva, READ)) return refuse(false, gva, gpa);
  return isPrivate ? RmpState.SUCCESS : RmpState.FAIL_INPUT;
}

/** The host's half, and the RMP's conditions: sets found, low, isLarge and pages. False: refused, and the record says why. */
export function findEntry(gva: u64, size: u32): bool {
  const error = mask(Exit.USER_BIT) | mask(Exit.FINAL_BIT) | mask(Exit.ENC_BIT);
  const failure = walkHost(gpa, READ);
  if (failure == NO_FRAME) return refused(false, gva, gpa);
  if (failure) return refused(npf(error | errorOf(failure), gpa), gva, gpa);
  const page = pageOf(spa);
  found = governing(page);
  low = lowOf(found);
  isLarge = bit(low, Rmp.PAGE_SIZE_BIT);
  pages = isLarge ? LARGE_PAGES : 1;
  // The instruction's size is compared with the entry's; the nested mapping's is not.
  const owner = checkOwner(page, gpa, load<u32>(Memory.VCPU, Vcpu.ASID), isLarge);
  const present = error | mask(Exit.PRESENT_BIT);
  if (owner != ALLOWED) return refused(npf(present | owner, gpa), gva, gpa);
  if (!isLarge || size != 0) return true;
  return refused(npf(present | mask(Exit.RMP_BIT) | mask(Exit.SIZEM_BIT), gpa), gva, gpa);
}

/** Whether the guest has accepted the page; a #VC otherwise. */
export function isValidated(gva: u64): bool {
  if (bit(low, Rmp.VALIDATED_BIT)) return true;
  return refused(exception(Exit.VC, Exit.PAGE_NOT_VALIDATED, gva), gva, gpa);
}

function refused(never: bool, gva: u64, where: u64): bool {
  assert(!never);
  at(gva, where);
  return false;
}

/** As a refused instruction answers. */
export function refuse(never: bool, gva: u64, where: u64): u32 {
  refused(never, gva, where);
  return Answer.REFUSED;
}
