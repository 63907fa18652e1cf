// RDMSR and WRMSR that are intercepted: the hypervisor keeps the few MSRs it gives a guest; others are #GP.
import * as Vmsa from "../../abi/vmsa.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { protection } from "./instruction.ts";

const LOW = 0xffffffffn;

export function answerMsr(vm: Vm, vcpu: Vcpu, exit: Exit): Outcome {
  const msr = Number(vcpu.register(Vmsa.RCX) & LOW);
  if (exit.info1 === 1n) {
    const value = ((vcpu.register(Vmsa.RDX) & LOW) << 32n) | (vcpu.register(Vmsa.RAX) & LOW);
    if (!vm.writeMsr(vcpu, msr, value)) return protection(vcpu);
  } else {
    const value = vm.readMsr(vcpu, msr);
    if (value === undefined) return protection(vcpu);
    vcpu.setRegister(Vmsa.RAX, value & LOW);
    vcpu.setRegister(Vmsa.RDX, value >> 32n);
  }
  vcpu.skip();
  return "runs";
}
