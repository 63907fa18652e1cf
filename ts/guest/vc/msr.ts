// RDMSR and WRMSR. Some MSRs are the guest's own affair, whoever intercepts them. AMD 56421, 4.1; Linux vc_handle_msr.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Msr from "../../abi/msr.ts";
import * as Features from "../../abi/sev-features.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { Verdict } from "../ghcb.ts";
import type { SevGuest } from "../sev.ts";
import { isOn } from "./instruction.ts";

const LOW = 0xffff_ffffn;
const HALF = 32n;

export function* msr(cpu: Cpu, guest: SevGuest): Step<Verdict> {
  const { registers } = cpu;
  const writes = cpu.instruction.kind === "wrmsr";
  const number = Number(registers.rcx & LOW);
  const secure = isOn(guest, Features.SECURE_TSC_BIT);
  if (secure && number === Msr.GUEST_TSC_FREQ) return "vmm-error";
  if (number === Msr.SVSM_CAA || (secure && number === Msr.TSC)) {
    // A write changes nothing.
    if (writes) return "ok";
    const value = number === Msr.TSC ? yield* cpu.rdtsc() : (guest.svsm?.gpa ?? 0n);
    registers.rax = value & LOW;
    registers.rdx = value >> HALF;
    return "ok";
  }
  const { ghcb } = guest;
  ghcb.clear();
  ghcb.set(Layout.RCX, registers.rcx);
  if (writes) {
    ghcb.set(Layout.RAX, registers.rax);
    ghcb.set(Layout.RDX, registers.rdx);
  }
  const direction = BigInt(writes ? Layout.MSR_WRITE : Layout.MSR_READ);
  const verdict = yield* ghcb.call(cpu, Code.VMEXIT_MSR, direction, 0n);
  if (verdict !== "ok" || writes) return verdict;
  if (!ghcb.has(Layout.RAX) || !ghcb.has(Layout.RDX)) return "vmm-error";
  registers.rax = ghcb.get(Layout.RAX) & LOW;
  registers.rdx = ghcb.get(Layout.RDX) & LOW;
  return "ok";
}
