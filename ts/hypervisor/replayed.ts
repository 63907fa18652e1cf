// What the hypervisor does for the exits of a replayed guest, whose device model acts between them (ts/replay/transfer.ts).
import * as Code from "../abi/exit.ts";
import { CheckFailed } from "../error.ts";
import type { Exit } from "../port.ts";
import { backOnDemand } from "./exit/nested-page-fault.ts";
import type { Vm } from "./vm.ts";

const NPF = BigInt(Code.VMEXIT_NPF);
const VMGEXIT = BigInt(Code.VMEXIT_VMGEXIT);
const SHUTDOWN = BigInt(Code.VMEXIT_SHUTDOWN);
// Intercepted instructions and events of a trace: emulated without a trace in the guest, which then runs on. APM appendix C.
const EMULATED_END = 0x100n;
const AVIC = [0x401n, 0x402n];

/** Serves an exit, or says why the guest cannot go on. */
export function serveReplayed(vm: Vm, { code, info1, info2 }: Exit): void {
  if (code === NPF) return backOnDemand(vm, info1, info2);
  if (code === VMGEXIT || AVIC.includes(code)) return;
  if (code >= 0n && code < EMULATED_END && code !== SHUTDOWN) return;
  throw new CheckFailed(
    `#VMEXIT 0x${code.toString(16)} of ASID ${vm.asid}: the hypervisor has no answer`,
  );
}
