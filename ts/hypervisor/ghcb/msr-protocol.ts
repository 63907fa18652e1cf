// The GHCB MSR protocol: every request, and what is left in the MSR. KVM sev_handle_vmgexit_msr_protocol; ghcb.md 1.
import * as Protocol from "../../abi/ghcb-msr.ts";
import * as Psc from "../../abi/page-state-change.ts";
import * as Vmcb from "../../abi/vmcb.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { hasLevel, switchLevel } from "./vmpl.ts";

/** One request. `value` is the MSR as the guest wrote it. */
export interface MsrRow {
  /** Whether only SNP guests have it: KVM ends any other. */
  snp: boolean;
  serve(vm: Vm, vcpu: Vcpu, value: bigint): Outcome;
}

const INFO = (1n << BigInt(Protocol.INFO_WIDTH)) - 1n;

const field = (value: bigint, lsb: number, width: number) =>
  (value >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n);

function answer(vcpu: Vcpu, response: number, data: bigint): Outcome {
  vcpu.vmcb.setU64(Vmcb.GHCB_PA, BigInt.asUintN(64, data | BigInt(response)));
  return "runs";
}

const row = (serve: MsrRow["serve"], snp = false): MsrRow => ({ snp, serve });

/** The rows that a VM starts with, by GHCBInfo. */
export const msrRows: ReadonlyMap<number, MsrRow> = new Map([
  [Protocol.SEV_INFO_REQUEST, row(sevInfo)],
  [Protocol.CPUID_REQUEST, row(cpuid)],
  [Protocol.AP_RESET_HOLD_REQUEST, row(apResetHold)],
  [Protocol.PREFERRED_GPA_REQUEST, row(preferredGpa, true)],
  [Protocol.REGISTER_GPA_REQUEST, row(registerGpa, true)],
  [Protocol.PSC_REQUEST, row(pageStateChange, true)],
  [Protocol.RUN_VMPL_REQUEST, row(runVmpl, true)],
  [Protocol.FEATURES_REQUEST, row(features)],
  [Protocol.TERMINATE, row(terminate)],
]);

/** Serves a VMGEXIT whose MSR names a request. One that nobody knows leaves the MSR as it was. */
export function serveMsr(vm: Vm, vcpu: Vcpu, value: bigint): Outcome {
  const found = vm.ghcb.requests.get(Number(value & INFO));
  if (!found) return "runs";
  const outcome = found.snp && !vm.snp ? terminate(vm, vcpu, value) : found.serve(vm, vcpu, value);
  switchLevel(vcpu);
  return outcome;
}

/** What SEV_INFO answers, which is also what the MSR reads at reset. */
export function sevInfoOf(vm: Vm): bigint {
  const { min, max } = vm.ghcb.versions;
  return (
    (BigInt(max) << BigInt(Protocol.INFO_MAX_LSB)) |
    (BigInt(min) << BigInt(Protocol.INFO_MIN_LSB)) |
    (BigInt(vm.cBit) << BigInt(Protocol.INFO_C_BIT_LSB)) |
    BigInt(Protocol.SEV_INFO_RESPONSE)
  );
}

function sevInfo(vm: Vm, vcpu: Vcpu): Outcome {
  return answer(vcpu, Protocol.SEV_INFO_RESPONSE, sevInfoOf(vm));
}

function cpuid(vm: Vm, vcpu: Vcpu, value: bigint): Outcome {
  const { eax, ebx, ecx, edx } = vm.cpuid(Number(value >> BigInt(Protocol.CPUID_VALUE_LSB)), 0);
  const which = field(value, Protocol.CPUID_REGISTER_LSB, Protocol.CPUID_REGISTER_WIDTH);
  const register = [eax, ebx, ecx, edx][Number(which)] as number;
  const data =
    (BigInt(register >>> 0) << BigInt(Protocol.CPUID_VALUE_LSB)) |
    (which << BigInt(Protocol.CPUID_REGISTER_LSB));
  return answer(vcpu, Protocol.CPUID_RESPONSE, data);
}

/** Not woken by a SIPI, until one comes. */
function apResetHold(_: Vm, vcpu: Vcpu): Outcome {
  vcpu.ghcb.hold = "msr";
  answer(vcpu, Protocol.AP_RESET_HOLD_RESPONSE, 0n);
  return "sleeps";
}

const NO_PREFERENCE = ((1n << BigInt(Protocol.GFN_WIDTH)) - 1n) << BigInt(Protocol.GFN_LSB);

function preferredGpa(vm: Vm, vcpu: Vcpu): Outcome {
  const gpa = vm.ghcb.preferredGhcb ?? NO_PREFERENCE;
  return answer(vcpu, Protocol.PREFERRED_GPA_RESPONSE, gpa);
}

function registerGpa(_: Vm, vcpu: Vcpu, value: bigint): Outcome {
  const gpa = value & ~INFO;
  const level = vcpu.ghcb.levels[vcpu.ghcb.vmpl];
  if (level) level.registered = gpa;
  return answer(vcpu, Protocol.REGISTER_GPA_RESPONSE, gpa);
}

function pageStateChange(vm: Vm, vcpu: Vcpu, value: bigint): Outcome {
  const gfn = field(value, Protocol.GFN_LSB, Protocol.PSC_GFN_WIDTH);
  const operation = field(value, Protocol.PSC_OPERATION_LSB, Protocol.PSC_OPERATION_WIDTH);
  const known = operation === BigInt(Psc.PRIVATE) || operation === BigInt(Psc.SHARED);
  const done = known && vm.setPageState(gfn << 12n, false, operation === BigInt(Psc.SHARED));
  return answer(vcpu, Protocol.PSC_RESPONSE, done ? 0n : 1n << BigInt(Protocol.PSC_FAILED_BIT));
}

function runVmpl(_: Vm, vcpu: Vcpu, value: bigint): Outcome {
  const vmpl = Number(field(value, Protocol.VMPL_LSB, Protocol.VMPL_WIDTH));
  const can = hasLevel(vcpu, vmpl);
  if (can) vcpu.ghcb.wanted = vmpl;
  return answer(vcpu, Protocol.RUN_VMPL_RESPONSE, can ? 0n : 1n << BigInt(Protocol.VMPL_ERROR_LSB));
}

function features(vm: Vm, vcpu: Vcpu): Outcome {
  const data = vm.ghcb.features << BigInt(Protocol.INFO_WIDTH);
  return answer(vcpu, Protocol.FEATURES_RESPONSE, data);
}

function terminate(vm: Vm, _: Vcpu, value: bigint): Outcome {
  const set = Number(field(value, Protocol.REASON_SET_LSB, Protocol.REASON_SET_WIDTH));
  const code = Number(field(value, Protocol.REASON_CODE_LSB, Protocol.REASON_CODE_WIDTH));
  vm.ghcb.terminated = { set, code };
  return "ends";
}
