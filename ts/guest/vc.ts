// The #VC handler: for each exit code what leaves the guest, and what does not. APM vol. 2, 15.35.5; Linux coco/sev/vc-handle.c.
import * as Code from "../abi/exit.ts";
import * as Protocol from "../abi/ghcb-msr.ts";
import type { Cpu, Routine, Step } from "./cpu.ts";
import { terminate } from "./ghcb/msr-protocol.ts";
import type { Verdict } from "./ghcb.ts";
import type { SevGuest } from "./sev.ts";
import { readDr7, writeDr7 } from "./vc/debug.ts";
import { cpuid, rdpmc, rdtsc, rdtscp, vmmcall, wbinvd } from "./vc/instruction.ts";
import { mmio } from "./vc/mmio.ts";
import { msr } from "./vc/msr.ts";
import { port } from "./vc/port.ts";

/** Does one instruction: with the GHCB, or without. Its operands and its results are registers. */
export type Act = (cpu: Cpu, guest: SevGuest) => Step<Verdict>;

// biome-ignore lint/correctness/useYield: an instruction that needs no exit
function* nothing(): Step<Verdict> {
  return "ok";
}

// A code without a row is one that no honest hypervisor makes of what this guest does: INVD above all.
const acts: Readonly<Record<number, Act>> = {
  [Code.VMEXIT_READ_DR7]: readDr7,
  [Code.VMEXIT_WRITE_DR7]: writeDr7,
  [Code.VMEXIT_RDTSC]: rdtsc,
  [Code.VMEXIT_RDPMC]: rdpmc,
  [Code.VMEXIT_CPUID]: cpuid,
  [Code.VMEXIT_IOIO]: port,
  [Code.VMEXIT_MSR]: msr,
  [Code.VMEXIT_VMMCALL]: vmmcall,
  [Code.VMEXIT_RDTSCP]: rdtscp,
  [Code.VMEXIT_WBINVD]: wbinvd,
  // MONITOR's operand is an address of the guest's: the hypervisor need not know it.
  [Code.VMEXIT_MONITOR]: nothing,
  [Code.VMEXIT_MWAIT]: nothing,
  [Code.VMEXIT_NPF]: mmio,
};

/** The codes that the handler has an answer to. */
export const handled: readonly number[] = Object.keys(acts).map(Number);

/** The routine of vector 29 for one vCPU. What it cannot do, or what came back wrong, ends the guest. */
export function vcHandler(guest: SevGuest): Routine {
  const { ghcb } = guest;
  return function* (cpu, error) {
    const act = acts[Number(error)];
    const outer = ghcb.busy;
    const kept = outer ? yield* ghcb.keep(cpu) : undefined;
    ghcb.busy = true;
    const verdict = act ? yield* act(cpu, guest) : "unsupported";
    const { vector, error: code } = ghcb;
    ghcb.busy = outer;
    if (kept) yield* ghcb.restore(cpu, kept);
    if (verdict !== "ok" && verdict !== "exception")
      return yield* terminate(cpu, Protocol.SET_GENERAL, Protocol.GENERAL_REQUEST);
    if (verdict === "exception") yield* cpu.raise(vector, code, 0n);
  };
}
