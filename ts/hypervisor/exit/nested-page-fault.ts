// #NPF: memory is given when it is first touched, and pages that changed hands are brought in line. KVM's npf_interception and
// sev_handle_rmp_fault; spec digest rmp.md 5.1.
import * as Code from "../../abi/exit.ts";
import { CheckFailed } from "../../error.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";

const has = (word: bigint, position: number) => ((word >> BigInt(position)) & 1n) === 1n;

export function nestedPageFault(vm: Vm, _: Vcpu, { info1, info2: gpa }: Exit): Outcome {
  backOnDemand(vm, info1, gpa);
  return "runs";
}

/** Demand paging: memory is given when it is first touched. */
export function backOnDemand(vm: Vm, info1: bigint, gpa: bigint): void {
  const what = `#NPF at gpa 0x${gpa.toString(16)}, error 0x${info1.toString(16)}`;
  // A device's registers, as KVM marks them: emulated.
  if (has(info1, Code.RESERVED_BIT)) return;
  if (has(info1, Code.PRESENT_BIT)) throw new CheckFailed(`${what}: refused although it is mapped`);
  if (gpa >= vm.memory) throw new CheckFailed(`${what}: beyond the guest's ${vm.memory} bytes`);
  vm.back(gpa, has(info1, Code.ENC_BIT));
}
