// Instructions that register values alone describe: CPUID, RDTSC, RDTSCP, RDPMC, WBINVD, VMMCALL. AMD 56421, 4.1.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Capability from "../../abi/sev-capability.ts";
import * as Features from "../../abi/sev-features.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Cpu, Step } from "../cpu.ts";
import { cpuidOf } from "../ghcb/cpuid.ts";
import type { Ghcb, Verdict } from "../ghcb.ts";
import type { SevGuest } from "../sev.ts";

const RANGES = 0x8000_0000;
const ENCRYPTION = 0x8000_001f;
const SEV = 1 << Capability.SEV_BIT;
const XSTATE = 0xd;
const XCR0_AT_RESET = 1n;

/** Whether a feature of SEV_FEATURES is on, by SEV_STATUS. */
export function isOn(guest: SevGuest, feature: number): boolean {
  return ((guest.status >> BigInt(feature + Features.STATUS_FEATURES_LSB)) & 1n) === 1n;
}

const CPUID_ANSWERS = [Layout.RAX, Layout.RBX, Layout.RCX, Layout.RDX];
const STAMP_ANSWERS = [Layout.RAX, Layout.RDX];

/** Whether every field was answered. */
function has(ghcb: Ghcb, fields: readonly number[]): boolean {
  for (const field of fields) if (!ghcb.has(field)) return false;
  return true;
}

/** From the CPUID page where there is one. */
export function* cpuid(cpu: Cpu, guest: SevGuest): Step<Verdict> {
  const { registers } = cpu;
  const leaf = registers.eax;
  if (guest.cpuid) {
    const answer = yield* cpuidOf(cpu, guest.cpuid, leaf, registers.ecx);
    if (!answer) return "vmm-error";
    registers.eax = answer.eax;
    registers.ebx = answer.ebx;
    registers.ecx = answer.ecx;
    registers.edx = answer.edx;
    return "ok";
  }
  const { ghcb } = guest;
  ghcb.clear();
  ghcb.setLow(Layout.RAX, leaf);
  ghcb.setLow(Layout.RCX, registers.ecx);
  if (leaf === XSTATE) setXstate(cpu, ghcb);
  const verdict = yield* ghcb.call(cpu, Code.VMEXIT_CPUID, 0n, 0n);
  if (verdict !== "ok") return verdict;
  if (!has(ghcb, CPUID_ANSWERS)) return "vmm-error";
  registers.eax = ghcb.low(Layout.RAX);
  registers.ebx = ghcb.low(Layout.RBX);
  registers.ecx = ghcb.low(Layout.RCX);
  registers.edx = ghcb.low(Layout.RDX);
  return isLie(leaf, registers.eax) ? "vmm-error" : "ok";
}

/** #VC exists only where SEV-ES is on: who says that there is no SEV wants the guest to use memory in the clear. */
function isLie(leaf: number, eax: number): boolean {
  if (leaf === RANGES) return eax < ENCRYPTION;
  return leaf === ENCRYPTION && (eax & SEV) === 0;
}

function setXstate(cpu: Cpu, ghcb: Ghcb): void {
  const { cr4, xcr0, xss } = cpu.registers;
  const enabled = ((cr4 >> BigInt(Vmsa.CR4_OSXSAVE_BIT)) & 1n) === 1n;
  ghcb.set(Layout.XCR0, enabled ? xcr0 : XCR0_AT_RESET);
  ghcb.set(Layout.XSS, xss);
}

export function* rdtsc(cpu: Cpu, guest: SevGuest): Step<Verdict> {
  return yield* stamp(cpu, guest, Code.VMEXIT_RDTSC);
}

export function* rdtscp(cpu: Cpu, guest: SevGuest): Step<Verdict> {
  return yield* stamp(cpu, guest, Code.VMEXIT_RDTSCP);
}

/** With secure TSC nobody may intercept them. */
function* stamp(cpu: Cpu, guest: SevGuest, code: number): Step<Verdict> {
  const { registers } = cpu;
  const { ghcb } = guest;
  if (isOn(guest, Features.SECURE_TSC_BIT)) return "vmm-error";
  ghcb.clear();
  const verdict = yield* ghcb.call(cpu, code, 0n, 0n);
  if (verdict !== "ok") return verdict;
  if (!has(ghcb, STAMP_ANSWERS)) return "vmm-error";
  if (code === Code.VMEXIT_RDTSCP && !ghcb.has(Layout.RCX)) return "vmm-error";
  registers.rax = ghcb.get(Layout.RAX);
  registers.rdx = ghcb.get(Layout.RDX);
  if (code === Code.VMEXIT_RDTSCP) registers.rcx = ghcb.get(Layout.RCX);
  return "ok";
}

export function* rdpmc(cpu: Cpu, { ghcb }: SevGuest): Step<Verdict> {
  const { registers } = cpu;
  ghcb.clear();
  ghcb.set(Layout.RCX, registers.rcx);
  const verdict = yield* ghcb.call(cpu, Code.VMEXIT_RDPMC, 0n, 0n);
  if (verdict !== "ok") return verdict;
  if (!has(ghcb, STAMP_ANSWERS)) return "vmm-error";
  registers.rax = ghcb.get(Layout.RAX);
  registers.rdx = ghcb.get(Layout.RDX);
  return "ok";
}

export function* wbinvd(cpu: Cpu, { ghcb }: SevGuest): Step<Verdict> {
  ghcb.clear();
  return yield* ghcb.call(cpu, Code.VMEXIT_WBINVD, 0n, 0n);
}

/** A hypercall's registers leave, and no others. KVM's take five. */
export function* vmmcall(cpu: Cpu, { ghcb }: SevGuest): Step<Verdict> {
  const { registers } = cpu;
  ghcb.clear();
  ghcb.set(Layout.RAX, registers.rax);
  ghcb.set(Layout.RBX, registers.rbx);
  ghcb.set(Layout.RCX, registers.rcx);
  ghcb.set(Layout.RDX, registers.rdx);
  ghcb.set(Layout.RSI, registers.rsi);
  ghcb.setCpl(cpu.interruptedCpl);
  const verdict = yield* ghcb.call(cpu, Code.VMEXIT_VMMCALL, 0n, 0n);
  if (verdict !== "ok") return verdict;
  if (!ghcb.has(Layout.RAX)) return "vmm-error";
  registers.rax = ghcb.get(Layout.RAX);
  return "ok";
}
