// #NPF: memory is given when it is first touched, what is beyond it are devices, and a page whose state differs from what the
// guest takes it for changes hands. KVM's npf_interception and sev_handle_rmp_fault; spec digest rmp.md 5.1.
import * as Code from "../../abi/exit.ts";
import { CheckFailed } from "../../error.ts";
import type { Exit } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { emulateMmio } from "./mmio.ts";

const has = (word: bigint, position: number) => ((word >> BigInt(position)) & 1n) === 1n;
const refused = (info1: bigint, gpa: bigint) =>
  `#NPF at gpa 0x${gpa.toString(16)}, error 0x${info1.toString(16)}`;

export function nestedPageFault(vm: Vm, vcpu: Vcpu, { info1, info2: gpa }: Exit): Outcome {
  if (has(info1, Code.RESERVED_BIT)) return emulateMmio(vm, vcpu, gpa);
  if (has(info1, Code.PRESENT_BIT)) bringInLine(vm, info1, gpa);
  else if (gpa >= vm.memory) vm.markDevice(gpa);
  else vm.back(gpa, has(info1, Code.ENC_BIT));
  return "runs";
}

/** It is mapped, and the RMP has it otherwise: of another size, or in another state than the guest takes it for. */
function bringInLine(vm: Vm, info1: bigint, gpa: bigint): void {
  if (!has(info1, Code.RMP_BIT) || has(info1, Code.VMPL_BIT))
    throw new CheckFailed(`${refused(info1, gpa)}: refused although it is mapped`);
  const wanted = has(info1, Code.ENC_BIT);
  if (has(info1, Code.SIZEM_BIT)) return vm.smash(gpa);
  if (vm.isPrivate(gpa) === wanted)
    throw new CheckFailed(`${refused(info1, gpa)}: the page is in the state that was asked for`);
  vm.setPageState(gpa, false, !wanted);
}

/** Demand paging of a replayed guest, which has neither devices nor a state of its own to change. */
export function backOnDemand(vm: Vm, info1: bigint, gpa: bigint): void {
  // A device's registers, as KVM marks them: emulated.
  if (has(info1, Code.RESERVED_BIT)) return;
  const what = refused(info1, gpa);
  if (has(info1, Code.PRESENT_BIT)) throw new CheckFailed(`${what}: refused although it is mapped`);
  if (gpa >= vm.memory) throw new CheckFailed(`${what}: beyond the guest's ${vm.memory} bytes`);
  vm.back(gpa, has(info1, Code.ENC_BIT));
}
