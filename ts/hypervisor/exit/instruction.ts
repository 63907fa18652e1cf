// Exits that the hypervisor answers without looking: the instruction is skipped, repeated, or refused.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/vmcb.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Outcome } from "../exits.ts";
import { hypercall } from "../hypercall.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";

/** An interrupt of the host's own: the guest runs on. */
export function nothing(): Outcome {
  return "runs";
}

/** The instruction does nothing. A guest with its own registers is past it already. */
export function skipped(_: Vm, vcpu: Vcpu): Outcome {
  if (!vcpu.es) vcpu.skip();
  return "runs";
}

/** The guest has no such instruction: VMRUN and its like, for there is no nested virtualisation. */
export function invalidOpcode(_: Vm, vcpu: Vcpu): Outcome {
  vcpu.inject(Layout.EVENT_EXCEPTION, Code.UD);
  return "runs";
}

/** VMMCALL. */
export function answerHypercall(_: Vm, vcpu: Vcpu): Outcome {
  const cpl = vcpu.vmcb.u8(Layout.SAVE_AREA + Vmsa.CPL);
  vcpu.setRegister(Vmsa.RAX, hypercall(cpl));
  vcpu.skip();
  return "runs";
}

/** #GP(0). */
export function protection(vcpu: Vcpu): Outcome {
  vcpu.inject(Layout.EVENT_EXCEPTION, Code.GP, 0);
  return "runs";
}
