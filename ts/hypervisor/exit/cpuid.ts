// CPUID of a guest whose registers the hypervisor has.
import * as Vmsa from "../../abi/vmsa.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";

export function answerCpuid(vm: Vm, vcpu: Vcpu): Outcome {
  const leaf = Number(vcpu.register(Vmsa.RAX) & 0xffffffffn);
  const subleaf = Number(vcpu.register(Vmsa.RCX) & 0xffffffffn);
  const { eax, ebx, ecx, edx } = vm.cpuid(leaf, subleaf);
  vcpu.setRegister(Vmsa.RAX, BigInt(eax));
  vcpu.setRegister(Vmsa.RBX, BigInt(ebx));
  vcpu.setRegister(Vmsa.RCX, BigInt(ecx));
  vcpu.setRegister(Vmsa.RDX, BigInt(edx));
  vcpu.skip();
  return "runs";
}
