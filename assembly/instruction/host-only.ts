// RMPUPDATE, PSMASH and RMPREAD are the hypervisor's: what everyone else meets. Microsoft's pages of their intrinsics give
// FAIL_PERMISSION for "the current ASID isn't zero"; APM vol. 3; spec digest rmp.md 4.1.
import * as Answer from "../../ts/abi/rmp-answer";
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as RmpState from "../../ts/abi/rmp-state";
import * as Vcpu from "../../ts/abi/vcpu";
import { exception, hostException } from "../exit";
import { isEnabled } from "../rmp";

/** SUCCESS where the instruction may go on. #UD where it does not exist, #GP(0) at CPL 3, FAIL_PERMISSION in a guest. */
export function hostOnly(exists: bool, inGuest: bool): u32 {
  if (!isEnabled() || !exists) return refuse(inGuest, Exit.UD);
  if (!inGuest) return RmpState.SUCCESS;
  if (load<u32>(Memory.VCPU, Vcpu.CPL) != 0) return refuse(inGuest, Exit.GP);
  return RmpState.FAIL_PERMISSION;
}

function refuse(inGuest: bool, vector: u64): u32 {
  if (inGuest) exception(vector, 0, 0);
  else hostException(vector);
  return Answer.REFUSED;
}
