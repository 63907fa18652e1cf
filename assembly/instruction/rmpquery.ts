// RMPQUERY: what a VMPL may do with a page. APM vol. 3, RMPQUERY; spec digest rmp.md 4.6.
import * as Answer from "../../ts/abi/rmp-answer";
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import * as State from "../../ts/abi/state";
import * as Vcpu from "../../ts/abi/vcpu";
import { bit } from "../address";
import { hasFeature, permissionsOf } from "../rmp";
import {
  findEntry,
  findGpa,
  found,
  isGuestKernel,
  isLarge,
  isValidated,
  low,
  vmpl,
} from "./guest-page";

/** RAX = gva, RDX[7:0] = target VMPL. Answers EAX with RDX and RCX as ts/abi/rmp-answer.ts. */
export function rmpquery(gva: u64, target: u32): u32 {
  if (!isGuestKernel(hasFeature(State.RMPQUERY_BIT), gva)) return Answer.REFUSED;
  const walked = findGpa(gva);
  if (walked == Answer.REFUSED) return walked;
  // FAIL_INPUT is no code of this instruction: what it may not ask about, a shared page too, is FAIL_PERMISSION.
  if (walked != RmpState.SUCCESS) return RmpState.FAIL_PERMISSION;
  if (target < vmpl() || target >= u32(Vcpu.VMPLS)) return RmpState.FAIL_PERMISSION;
  // It names no size: the entry's own.
  if (!findEntry(gva, 1) || !isValidated(gva)) return Answer.REFUSED;
  return (
    (permissionsOf(found, target) << Answer.PERMISSIONS_LSB) |
    (u32(bit(low, Rmp.VMSA_BIT)) << Answer.VMSA_BIT) |
    (u32(isLarge) << Answer.LARGE_BIT)
  );
}
