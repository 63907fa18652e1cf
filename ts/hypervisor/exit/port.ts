// Port accesses of a guest whose registers the hypervisor has. String accesses are emulated where guest memory can be read.
import * as Vmsa from "../../abi/vmsa.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { protection } from "./instruction.ts";

/** EXITINFO1 of IOIO, decoded. APM vol. 2, 15.10.2. */
export function portOf(info1: bigint): {
  port: number;
  bytes: number;
  input: boolean;
  string: boolean;
} {
  const info = Number(info1 & 0xffffffffn);
  return {
    port: info >>> 16,
    bytes: (info >>> 4) & 7,
    input: (info & 1) !== 0,
    string: (info & 4) !== 0,
  };
}

export function answerPort(vm: Vm, vcpu: Vcpu, exit: Exit): Outcome {
  const { port, bytes, input, string } = portOf(exit.info1);
  if (string) return protection(vcpu);
  const rax = vcpu.register(Vmsa.RAX);
  const mask = (1n << BigInt(8 * bytes)) - 1n;
  if (input) {
    const value = BigInt(vm.ports.read(port, bytes));
    vcpu.setRegister(Vmsa.RAX, bytes === 4 ? value : (rax & ~mask) | (value & mask));
  } else {
    vm.ports.write(port, bytes, Number(rax & mask));
  }
  vcpu.skip();
  return "runs";
}
