// MOV between RAX and a debug register, of a guest whose registers the hypervisor has. KVM's dr_interception; APM vol. 2, 13.1.1.
import * as Code from "../../abi/exit.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { protection } from "./instruction.ts";

const UPPER = 32n;
const DR6 = 6;
const DR7 = 7;

export function answerDebug(_: Vm, vcpu: Vcpu, { code }: Exit): Outcome {
  const write = Number(code) >= Code.VMEXIT_WRITE_DR0;
  const register = Number(code) & 0xf;
  const offset = offsetOf(register);
  // DR6 and DR7 go with the VMCB, the others stay in the core between guests.
  const saved = register >= DR6;
  if (write) {
    const value = vcpu.register(Vmsa.RAX);
    if (saved && value >> UPPER !== 0n) return protection(vcpu);
    if (saved) vcpu.vmcb.setSaved(offset, value);
    else vcpu.setRegister(offset, value);
  } else vcpu.setRegister(Vmsa.RAX, saved ? vcpu.vmcb.saved(offset) : vcpu.register(offset));
  vcpu.skip();
  return "runs";
}

/** DR4 and DR5 are other names of DR6 and DR7, while CR4.DE is 0. */
function offsetOf(register: number): number {
  if (register === DR7 || register === DR7 - 2) return Vmsa.DR7;
  if (register === DR6 || register === DR6 - 2) return Vmsa.DR6;
  return Vmsa.DR0 + 8 * register;
}
