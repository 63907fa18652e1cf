// DR7 without DebugSwap: kept by the guest, announced to the hypervisor, who may set breakpoints by it. AMD 56421, 4.1.
import * as Debug from "../../abi/debug-register.ts";
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Features from "../../abi/sev-features.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { Verdict } from "../ghcb.ts";
import type { SevGuest } from "../sev.ts";
import { isOn } from "./instruction.ts";

const WIDTH = 32n;

// biome-ignore lint/correctness/useYield: the guest knows the value
export function* readDr7({ registers }: Cpu, guest: SevGuest): Step<Verdict> {
  if (isOn(guest, Features.DEBUG_SWAP_BIT)) return "vmm-error";
  registers.rax = guest.dr7;
  return "ok";
}

export function* writeDr7(cpu: Cpu, guest: SevGuest): Step<Verdict> {
  const { registers } = cpu;
  const { ghcb } = guest;
  if (isOn(guest, Features.DEBUG_SWAP_BIT)) return "vmm-error";
  if (registers.rax >> WIDTH !== 0n) {
    ghcb.vector = Code.GP;
    ghcb.error = 0n;
    return "exception";
  }
  const value = (registers.rax & ~BigInt(Debug.DR7_ZEROS)) | BigInt(Debug.DR7_ONES);
  ghcb.clear();
  ghcb.set(Layout.RAX, value);
  const verdict = yield* ghcb.call(cpu, Code.VMEXIT_WRITE_DR7, 0n, 0n);
  if (verdict === "ok") guest.dr7 = value;
  return verdict;
}
