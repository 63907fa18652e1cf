// RDTSC, RDTSCP and RDPMC, where the hypervisor intercepts them and has the guest's registers. KVM's kvm_emulate_rdpmc.
import * as Code from "../../abi/exit.ts";
import * as Msr from "../../abi/msr.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";

const LOW = 0xffff_ffffn;

export function answerTsc(vm: Vm, vcpu: Vcpu, { code }: Exit): Outcome {
  if (code === BigInt(Code.VMEXIT_RDTSCP))
    vcpu.setRegister(Vmsa.RCX, vm.readMsr(vcpu, Msr.TSC_AUX) ?? 0n);
  return answer(vcpu, vm.tsc());
}

/** There are no performance counters. */
export function answerPmc(_: Vm, vcpu: Vcpu): Outcome {
  return answer(vcpu, 0n);
}

function answer(vcpu: Vcpu, value: bigint): Outcome {
  vcpu.setRegister(Vmsa.RAX, value & LOW);
  vcpu.setRegister(Vmsa.RDX, value >> 32n);
  vcpu.skip();
  return "runs";
}
