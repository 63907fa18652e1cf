// RMPADJUST: a VMPL gives permissions to one below it; VMPL0 makes VMSA pages. APM vol. 3, RMPADJUST; spec digest rmp.md 4.4.
import * as Adjust from "../../ts/abi/rmpadjust";
import * as Answer from "../../ts/abi/rmp-answer";
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import * as Vcpu from "../../ts/abi/vcpu";
import { bit, field, mask } from "../address";
import { forgetPage } from "../page";
import { highOf, permissionsOf, put } from "../rmp";
import { isGuestLarge } from "../walk";
import {
  findEntry,
  findGpa,
  found,
  isGuestKernel,
  isLarge,
  isValidated,
  LARGE_OFFSET,
  low,
  pages,
  vmpl,
} from "./guest-page";

/** RAX = gva, RCX = size (0: 4 KiB, 1: 2 MiB), RDX as ts/abi/rmpadjust.ts. Answers EAX, or Answer.REFUSED. */
export function rmpadjust(gva: u64, size: u32, rdx: u64): u32 {
  if (!isGuestKernel(true, gva)) return Answer.REFUSED;
  const target = u32(field(rdx, Adjust.TARGET_VMPL_LSB, Adjust.TARGET_VMPL_WIDTH));
  const wanted = u32(field(rdx, Adjust.PERMISSIONS_LSB, Adjust.PERMISSIONS_WIDTH));
  const reserved = rdx >> Adjust.RESERVED_LSB;
  if (size > 1 || (size == 1 && gva & LARGE_OFFSET) || reserved) return RmpState.FAIL_INPUT;
  const walked = findGpa(gva);
  if (walked != RmpState.SUCCESS) return walked;
  if (target <= vmpl() || target >= u32(Vcpu.VMPLS)) return RmpState.FAIL_PERMISSION;
  if (!findEntry(gva, size) || !isValidated(gva)) return Answer.REFUSED;
  if (size == 1 && (!isLarge || !isGuestLarge)) return RmpState.FAIL_SIZEMISMATCH;
  if (wanted & ~permissionsOf(found, vmpl())) return RmpState.FAIL_PERMISSION;
  adjust(target, wanted, bit(rdx, Adjust.VMSA_BIT));
  return RmpState.SUCCESS;
}

function adjust(target: u32, wanted: u32, vmsa: bool): void {
  const shift = u64(target * Rmp.VMPL_WIDTH);
  const others = highOf(found) & ~((mask(Rmp.VMPL_WIDTH) - 1) << shift);
  // Below VMPL0 the request's VMSA bit is ignored, as AMD's edk2 MpLib and Microsoft's __rmpadjust have it.
  const kept = vmpl() == 0 ? low & ~mask(Rmp.VMSA_BIT) : low;
  const made = vmpl() == 0 && vmsa ? mask(Rmp.VMSA_BIT) : 0;
  // No remembered walk may use what was taken away.
  for (let i: u32 = 0; i < pages; i++) forgetPage(found + i);
  put(found, kept | made, others | (u64(wanted) << shift));
}
