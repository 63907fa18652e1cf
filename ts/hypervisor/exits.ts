// What the hypervisor does for each exit. One row a code; an exit without a row ends the guest.
import * as Code from "../abi/exit.ts";
import { CheckFailed } from "../error.ts";
import type { Exit } from "../port.ts";
import type { Vm } from "./vm.ts";

const has = (word: bigint, position: number) => ((word >> BigInt(position)) & 1n) === 1n;

const exits = new Map<bigint, (vm: Vm, exit: Exit) => void>([
  [BigInt(Code.VMEXIT_NPF), nestedPageFault],
  // The device's queue was kicked, an interrupt of the device arrived, the guest waits for one: the device model acts
  // between exits (ts/replay/transfer.ts), and the guest is run again.
  [BigInt(Code.VMEXIT_IOIO), () => {}],
  [BigInt(Code.VMEXIT_VMGEXIT), () => {}],
  [BigInt(Code.VMEXIT_INTR), () => {}],
  [BigInt(Code.VMEXIT_HLT), () => {}],
]);

// Intercepted instructions and events of a trace: emulated without a trace in the guest, which then runs on. APM appendix C.
const EMULATED_END = 0x100n;
const AVIC = [0x401n, 0x402n];
const ends = (code: bigint) => code === BigInt(Code.VMEXIT_SHUTDOWN);

/** Serves an exit, or says why the guest cannot go on. */
export function serve(vm: Vm, exit: Exit): void {
  const act = exits.get(exit.code);
  if (!act && AVIC.includes(exit.code)) return;
  if (!act && exit.code < EMULATED_END && exit.code >= 0n && !ends(exit.code)) return;
  if (!act)
    throw new CheckFailed(
      `#VMEXIT 0x${exit.code.toString(16)} of ASID ${vm.asid}: the hypervisor has no answer`,
    );
  act(vm, exit);
}

/** Demand paging: memory is given when it is first touched. */
function nestedPageFault(vm: Vm, { info1, info2: gpa }: Exit): void {
  const what = `#NPF at gpa 0x${gpa.toString(16)}, error 0x${info1.toString(16)}`;
  // A device's registers, as KVM marks them: emulated.
  if (has(info1, Code.RESERVED_BIT)) return;
  if (has(info1, Code.PRESENT_BIT)) throw new CheckFailed(`${what}: refused although it is mapped`);
  if (gpa >= vm.memory) throw new CheckFailed(`${what}: beyond the guest's ${vm.memory} bytes`);
  vm.back(gpa, has(info1, Code.ENC_BIT));
}
