// The GHCB MSR protocol from the guest's side: what needs no page, and what comes before there is one. AMD 56421, 2.3.
import * as Layout from "../../abi/ghcb.ts";
import * as Protocol from "../../abi/ghcb-msr.ts";
import type { Cpu, Step } from "../cpu.ts";

const INFO = (1n << BigInt(Protocol.INFO_WIDTH)) - 1n;

const field = (value: bigint, lsb: number, width: number) =>
  (value >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n);

/** One request; answers what the hypervisor left in the MSR, or undefined when that is no answer to it. */
function* ask(cpu: Cpu, request: bigint, response: number): Step<bigint | undefined> {
  cpu.ghcbMsr = request;
  yield* cpu.vmgexit();
  const answer = cpu.ghcbMsr;
  return (answer & INFO) === BigInt(response) ? answer : undefined;
}

/** Asks the hypervisor to end this guest. Should it run the guest again, the guest halts for good. */
export function* terminate(cpu: Cpu, set: number, code: number): Step<never> {
  const reason =
    (BigInt(set) << BigInt(Protocol.REASON_SET_LSB)) |
    (BigInt(code) << BigInt(Protocol.REASON_CODE_LSB));
  cpu.ghcbMsr = BigInt(Protocol.TERMINATE) | reason;
  yield* cpu.vmgexit();
  for (;;) yield* cpu.hlt();
}

/** Agrees on a protocol version, and on where the C-bit is: a hypervisor that names another place is lying. */
export function* negotiate(cpu: Cpu, cBit: number): Step<number> {
  const request = BigInt(Protocol.SEV_INFO_REQUEST);
  const info = yield* ask(cpu, request, Protocol.SEV_INFO_RESPONSE);
  const version = (lsb: number) => Number(field(info ?? 0n, lsb, Protocol.INFO_VERSION_WIDTH));
  const most = version(Protocol.INFO_MAX_LSB);
  const least = version(Protocol.INFO_MIN_LSB);
  if (info === undefined || most < Layout.VERSION_MIN || least > Layout.VERSION_MAX)
    return yield* terminate(cpu, Protocol.SET_GENERAL, Protocol.PROTOCOL_UNSUPPORTED);
  if (Number(field(info, Protocol.INFO_C_BIT_LSB, Protocol.INFO_C_BIT_WIDTH)) !== cBit)
    return yield* terminate(cpu, Protocol.SET_GENERAL, Protocol.GENERAL_REQUEST);
  return Math.min(most, Layout.VERSION_MAX);
}

/** The hypervisor features' bitmap. A guest with SNP cannot go on without the first. */
export function* hypervisorFeatures(cpu: Cpu): Step<bigint> {
  const request = BigInt(Protocol.FEATURES_REQUEST);
  const answer = yield* ask(cpu, request, Protocol.FEATURES_RESPONSE);
  const features = (answer ?? 0n) >> BigInt(Protocol.INFO_WIDTH);
  if (cpu.features.snp && !field(features, Layout.FEATURE_SNP_BIT, 1))
    return yield* terminate(cpu, Protocol.SET_GENERAL, Protocol.SNP_UNSUPPORTED);
  return features;
}

/** Where the hypervisor would like the GHCB, or undefined when it does not mind. */
export function* preferredGhcb(cpu: Cpu): Step<bigint | undefined> {
  const request = BigInt(Protocol.PREFERRED_GPA_REQUEST);
  const answer = yield* ask(cpu, request, Protocol.PREFERRED_GPA_RESPONSE);
  if (answer === undefined) return undefined;
  const gfn = answer >> BigInt(Protocol.GFN_LSB);
  const none = (1n << BigInt(Protocol.GFN_WIDTH)) - 1n;
  return gfn === none ? undefined : gfn << BigInt(Protocol.GFN_LSB);
}

/** Registers the GHCB's page, without which a hypervisor of an SNP guest serves none. */
export function* registerGhcb(cpu: Cpu, gpa: bigint): Step {
  const request = BigInt(Protocol.REGISTER_GPA_REQUEST);
  const answer = yield* ask(cpu, gpa | request, Protocol.REGISTER_GPA_RESPONSE);
  if (answer === (gpa | BigInt(Protocol.REGISTER_GPA_RESPONSE))) return;
  yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_REGISTER);
}

/** One register of a CPUID leaf, ECX_in = 0, as the hypervisor wants it seen. */
export function* cpuidRegister(cpu: Cpu, leaf: number, register: number): Step<number> {
  const request =
    (BigInt(leaf >>> 0) << BigInt(Protocol.CPUID_VALUE_LSB)) |
    (BigInt(register) << BigInt(Protocol.CPUID_REGISTER_LSB)) |
    BigInt(Protocol.CPUID_REQUEST);
  const answer = yield* ask(cpu, request, Protocol.CPUID_RESPONSE);
  if (answer === undefined)
    return yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_CPUID_HV);
  return Number(answer >> BigInt(Protocol.CPUID_VALUE_LSB));
}

/** Changes the state of one 4 KiB page before there is a GHCB to do it with. */
export function* changeStateByMsr(cpu: Cpu, gpa: bigint, operation: number): Step {
  const request =
    (BigInt(operation) << BigInt(Protocol.PSC_OPERATION_LSB)) | gpa | BigInt(Protocol.PSC_REQUEST);
  const answer = yield* ask(cpu, request, Protocol.PSC_RESPONSE);
  if (answer !== undefined && answer >> BigInt(Protocol.PSC_ERROR_LSB) === 0n) return;
  yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_PSC);
}

/** Lets another level of this vCPU run until it gives the vCPU back. False when the hypervisor would not. */
export function* runVmplByMsr(cpu: Cpu, vmpl: number): Step<boolean> {
  const request = (BigInt(vmpl) << BigInt(Protocol.VMPL_LSB)) | BigInt(Protocol.RUN_VMPL_REQUEST);
  const answer = yield* ask(cpu, request, Protocol.RUN_VMPL_RESPONSE);
  return answer !== undefined && answer >> BigInt(Protocol.VMPL_ERROR_LSB) === 0n;
}

/** Waits for the SIPI that follows INIT. Answers false when the hypervisor woke this vCPU without one. */
export function* apResetHoldByMsr(cpu: Cpu): Step<boolean> {
  const request = BigInt(Protocol.AP_RESET_HOLD_REQUEST);
  const answer = yield* ask(cpu, request, Protocol.AP_RESET_HOLD_RESPONSE);
  return answer !== undefined && answer >> BigInt(Protocol.INFO_WIDTH) !== 0n;
}
