// MOV between RAX and a debug register, of a guest whose registers the hypervisor has. KVM's dr_interception; APM vol. 2, 13.1.1.
import * as Debug from "../../abi/debug-register.ts";
import * as Code from "../../abi/exit.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { protection } from "./instruction.ts";

const UPPER = 32n;
const DR4 = 4;

export function answerDebug(_: Vm, vcpu: Vcpu, { code }: Exit): Outcome {
  const register = Number(code) & 0xf;
  const offset = offsetOf(register);
  // DR6 and DR7 go with the VMCB, the others stay in the core between guests.
  const saved = register >= DR4;
  if (Number(code) < Code.VMEXIT_WRITE_DR0)
    vcpu.setRegister(Vmsa.RAX, saved ? vcpu.vmcb.saved(offset) : vcpu.register(offset));
  else {
    const value = vcpu.register(Vmsa.RAX);
    if (saved && value >> UPPER !== 0n) return protection(vcpu);
    if (saved) vcpu.vmcb.setSaved(offset, offset === Vmsa.DR7 ? forced(value) : value);
    else vcpu.setRegister(offset, value);
  }
  vcpu.skip();
  return "runs";
}

/** DR4 and DR5 are other names of DR6 and DR7, while CR4.DE is 0. */
function offsetOf(register: number): number {
  if (register < DR4) return Vmsa.DR0 + 8 * register;
  return (register & 1) === 1 ? Vmsa.DR7 : Vmsa.DR6;
}

const forced = (value: bigint) => (value & ~BigInt(Debug.DR7_ZEROS)) | BigInt(Debug.DR7_ONES);
