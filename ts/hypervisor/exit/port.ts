// IN, OUT and their string forms, of a guest whose registers the hypervisor has. APM vol. 2, 15.10.
import * as Vmsa from "../../abi/vmsa.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { protection } from "./instruction.ts";

/** EXITINFO1 of IOIO, decoded. APM vol. 2, 15.10.2. */
export interface PortAccess {
  port: number;
  bytes: number;
  input: boolean;
  string: boolean;
}

export function portAccess(info1: bigint): PortAccess {
  const info = Number(info1 & 0xffffffffn);
  const [input, string] = [(info & 1) !== 0, (info & 4) !== 0];
  return { port: info >>> 16, bytes: (info >>> 4) & 7, input, string };
}

export function answerPort(vm: Vm, vcpu: Vcpu, exit: Exit): Outcome {
  const access = portAccess(exit.info1);
  if (access.string) return answerString(vm, vcpu, access);
  const { port, bytes, input } = access;
  const rax = vcpu.register(Vmsa.RAX);
  const mask = (1n << BigInt(8 * bytes)) - 1n;
  if (input) {
    const value = BigInt(vm.ports.read(port, bytes));
    // A 32-bit result clears the upper half, a smaller one leaves the rest alone.
    vcpu.setRegister(Vmsa.RAX, bytes === 4 ? value : (rax & ~mask) | value);
  } else {
    vm.ports.write(port, bytes, Number(rax & mask));
  }
  vcpu.skip();
  return "runs";
}

/** REP INS and REP OUTS: item by item through the guest's memory. What the hypervisor cannot read it cannot emulate: #GP, as KVM. */
function answerString(vm: Vm, vcpu: Vcpu, { port, bytes, input }: PortAccess): Outcome {
  const item = new Uint8Array(4);
  const view = new DataView(item.buffer);
  const pointer = input ? Vmsa.RDI : Vmsa.RSI;
  while (vcpu.register(Vmsa.RCX) !== 0n) {
    const gva = vcpu.register(pointer);
    const gpa = vm.guest.gpaOf(vcpu, gva);
    const piece = item.subarray(0, bytes);
    if (gpa === undefined) return protection(vcpu);
    if (input) {
      view.setUint32(0, vm.ports.read(port, bytes), true);
      if (!vm.guest.write(gpa, piece)) return protection(vcpu);
    } else {
      item.fill(0);
      if (!vm.guest.read(gpa, piece)) return protection(vcpu);
      vm.ports.write(port, bytes, view.getUint32(0, true));
    }
    vcpu.setRegister(pointer, gva + BigInt(bytes));
    vcpu.setRegister(Vmsa.RCX, vcpu.register(Vmsa.RCX) - 1n);
  }
  vcpu.skip();
  return "runs";
}
