// What the hypervisor does for each exit of a vCPU: a table, one row a code. A row answers what becomes of the vCPU; a VM's
// own table may be changed row by row, for the hypervisor is the attacker.
import * as Code from "../abi/exit.ts";
import { CheckFailed } from "../error.ts";
import type { Exit } from "../port.ts";
import { answerPmc, answerTsc } from "./exit/counter.ts";
import { answerCpuid } from "./exit/cpuid.ts";
import { answerDebug } from "./exit/debug.ts";
import { answerHypercall, invalidOpcode, nothing, skipped } from "./exit/instruction.ts";
import { interruptWindow } from "./exit/interrupt-window.ts";
import { answerMsr } from "./exit/msr.ts";
import { nestedPageFault } from "./exit/nested-page-fault.ts";
import { answerPort } from "./exit/port.ts";
import { serveVmgexit } from "./ghcb/serve.ts";
import type { Vcpu } from "./vcpu.ts";
import type { Vm } from "./vm.ts";

/** What becomes of a vCPU after its exit: it runs on, sleeps until something is injected, or the guest is over. */
export type Outcome = "runs" | "sleeps" | "ends";

/** Serves one exit. */
export type ExitRow = (vm: Vm, vcpu: Vcpu, exit: Exit) => Outcome;

const DEBUG_REGISTERS = [Code.VMEXIT_READ_DR0, Code.VMEXIT_WRITE_DR0].flatMap((first) =>
  Array.from({ length: 8 }, (_, register) => first + register),
);
const VIRTUALIZATION = [
  Code.VMEXIT_VMRUN,
  Code.VMEXIT_VMLOAD,
  Code.VMEXIT_VMSAVE,
  Code.VMEXIT_STGI,
  Code.VMEXIT_CLGI,
  Code.VMEXIT_SKINIT,
];

/** The rows that a VM starts with, by exit code; VMEXIT_INVALID is -1. */
export const exitRows: ReadonlyMap<number, ExitRow> = new Map([
  [Code.VMEXIT_NPF, nestedPageFault],
  [Code.VMEXIT_CPUID, answerCpuid],
  [Code.VMEXIT_MSR, answerMsr],
  [Code.VMEXIT_IOIO, answerPort],
  [Code.VMEXIT_INTR, nothing],
  [Code.VMEXIT_NMI, nothing],
  [Code.VMEXIT_VINTR, interruptWindow],
  [Code.VMEXIT_PAUSE, skipped],
  [Code.VMEXIT_HLT, halted],
  [Code.VMEXIT_INVD, skipped],
  [Code.VMEXIT_WBINVD, skipped],
  [Code.VMEXIT_MONITOR, skipped],
  [Code.VMEXIT_MWAIT, skipped],
  [Code.VMEXIT_SHUTDOWN, () => "ends"],
  ...DEBUG_REGISTERS.map((code): [number, ExitRow] => [code, answerDebug]),
  [Code.VMEXIT_RDTSC, answerTsc],
  [Code.VMEXIT_RDTSCP, answerTsc],
  [Code.VMEXIT_RDPMC, answerPmc],
  [Code.VMEXIT_VMMCALL, answerHypercall],
  ...VIRTUALIZATION.map((code): [number, ExitRow] => [code, invalidOpcode]),
  [Code.VMEXIT_VMGEXIT, serveVmgexit],
]);

/** HLT: nothing runs until an event is injected. */
function halted(vm: Vm, vcpu: Vcpu): Outcome {
  skipped(vm, vcpu);
  return "sleeps";
}

/** Serves an exit by the VM's table. Throws where there is no row: the hypervisor would kill the guest. */
export function serve(vm: Vm, vcpu: Vcpu, exit: Exit): Outcome {
  const code = exit === vcpu.exit ? vcpu.exit.number : Number(BigInt.asIntN(32, exit.code));
  const row = exit.kind === Code.VMEXIT ? vm.exits.get(code) : undefined;
  if (row) return row(vm, vcpu, exit);
  const what = exit.kind === Code.VMEXIT ? "#VMEXIT" : "VMRUN faulted:";
  throw new CheckFailed(
    `${what} ${code < 0 ? code : `0x${code.toString(16)}`} of ASID ${vm.asid}, vCPU ${vcpu.index}: the hypervisor has no answer`,
  );
}
