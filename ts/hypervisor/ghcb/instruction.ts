// Instructions that the hypervisor does for a guest whose registers it cannot see. AMD 56421, 4.1; KVM's handlers.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Msr from "../../abi/msr.ts";
import type { Outcome } from "../exits.ts";
import { hypercall } from "../hypercall.ts";
import { except } from "./page.ts";
import type { Event } from "./state.ts";

const LOW = 0xffff_ffffn;
const HALF = 32n;

export function nothing(): Outcome {
  return "runs";
}

export function readDr7({ vcpu, page }: Event): Outcome {
  page.set(Layout.RAX, vcpu.ghcb.dr7);
  return "runs";
}

export function writeDr7({ vcpu, page }: Event): Outcome {
  vcpu.ghcb.dr7 = page.get(Layout.RAX);
  return "runs";
}

export function rdtsc({ vm, page }: Event): Outcome {
  const tsc = vm.tsc();
  page.set(Layout.RAX, tsc & LOW);
  page.set(Layout.RDX, tsc >> HALF);
  return "runs";
}

export function rdtscp(event: Event): Outcome {
  const { vm, vcpu, page } = event;
  page.set(Layout.RCX, vm.readMsr(vcpu, Msr.TSC_AUX) ?? 0n);
  return rdtsc(event);
}

/** There are no performance counters. */
export function rdpmc({ page }: Event): Outcome {
  page.set(Layout.RAX, 0n);
  page.set(Layout.RDX, 0n);
  return "runs";
}

export function cpuid({ vm, page }: Event): Outcome {
  const { eax, ebx, ecx, edx } = vm.cpuid(page.low(Layout.RAX), page.low(Layout.RCX));
  page.setLow(Layout.RAX, eax);
  page.setLow(Layout.RBX, ebx);
  page.setLow(Layout.RCX, ecx);
  page.setLow(Layout.RDX, edx);
  return "runs";
}

export function wbinvd({ vm }: Event): Outcome {
  vm.host.wbinvd();
  return "runs";
}

export function msr({ vm, vcpu, page, info1 }: Event): Outcome {
  const number = page.low(Layout.RCX);
  if (info1 !== BigInt(Layout.MSR_READ)) {
    const value = ((page.get(Layout.RDX) & LOW) << HALF) | (page.get(Layout.RAX) & LOW);
    return vm.writeMsr(vcpu, number, value) ? "runs" : except(page, Code.GP);
  }
  const value = vm.readMsr(vcpu, number);
  if (value === undefined) return except(page, Code.GP);
  page.set(Layout.RAX, value & LOW);
  page.set(Layout.RDX, value >> HALF);
  return "runs";
}

export function vmmcall({ page }: Event): Outcome {
  page.set(Layout.RAX, hypercall(page.cpl));
  return "runs";
}
