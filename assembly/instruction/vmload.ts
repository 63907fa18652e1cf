// VMLOAD and VMSAVE: the state that VMRUN leaves alone, between the CPU and a VMCB. APM vol. 3, VMLOAD and VMSAVE.
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as Vmcb from "../../ts/abi/vmcb";
import { PAGE_SHIFT } from "../address";
import { isDram } from "../dram";
import { hostException } from "../exit";
import { markDirty } from "../page";
import { isEnabled, isHypervisorOwned } from "../rmp";
import { copySystemState } from "../world/state";
import { isPageAligned, pageOfPointer, placeOfPointer } from "../world/vmcb";

function place(pointer: u64): usize {
  const page = pageOfPointer(pointer);
  const bad = !isPageAligned(pointer) || !isDram(page);
  if (!bad && !(isEnabled() && !isHypervisorOwned(page, false))) return placeOfPointer(pointer);
  hostException(Exit.GP);
  return 0;
}

/** RAX = the spa of a VMCB. False: refused, and the exit record says why. */
export function vmload(pointer: u64): bool {
  const vmcb = place(pointer);
  if (vmcb) copySystemState(Memory.HOST_REGISTERS, vmcb + Vmcb.SAVE_AREA);
  return vmcb != 0;
}

/** As vmload, the other way. */
export function vmsave(pointer: u64): bool {
  const vmcb = place(pointer);
  if (!vmcb) return false;
  copySystemState(vmcb + Vmcb.SAVE_AREA, Memory.HOST_REGISTERS);
  markDirty(u32(vmcb >> PAGE_SHIFT), Vmcb.SAVE_AREA, Vmcb.SAVED);
  return true;
}
