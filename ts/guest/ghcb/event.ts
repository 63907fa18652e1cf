// Events that two words describe: injection, levels, interrupts between vCPUs, features. AMD 56421, 4.1; spec digest ghcb.md 3.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { SevGuest } from "../sev.ts";

/** An event without registers. Answers SW_EXITINFO2, or undefined when the hypervisor refused or its reply is none. */
export function* plainCall(
  cpu: Cpu,
  guest: SevGuest,
  code: number,
  info1: bigint,
  info2: bigint,
): Step<bigint | undefined> {
  const { ghcb } = guest;
  return yield* ghcb.alone(cpu, function* () {
    ghcb.clear();
    const verdict = yield* ghcb.call(cpu, code, info1, info2);
    return verdict === "ok" && ghcb.has(Layout.SW_EXITINFO2)
      ? ghcb.get(Layout.SW_EXITINFO2)
      : undefined;
  });
}

/** The same question as that of the MSR protocol. */
export function* featuresByPage(cpu: Cpu, guest: SevGuest): Step<bigint | undefined> {
  return yield* plainCall(cpu, guest, Code.VMGEXIT_HV_FEATURES, 0n, 0n);
}

export function* nmiComplete(cpu: Cpu, guest: SevGuest): Step<boolean> {
  return (yield* plainCall(cpu, guest, Code.VMGEXIT_NMI_COMPLETE, 0n, 0n)) !== undefined;
}

/** Lets another level of this vCPU run until it gives the vCPU back. */
export function* runVmpl(cpu: Cpu, guest: SevGuest, vmpl: number): Step<boolean> {
  return (yield* plainCall(cpu, guest, Code.VMGEXIT_RUN_VMPL, BigInt(vmpl), 0n)) !== undefined;
}

/** An interrupt to other vCPUs, as the APIC's ICR has it. */
export function* sendIpi(cpu: Cpu, guest: SevGuest, icr: bigint): Step<boolean> {
  return (yield* plainCall(cpu, guest, Code.VMGEXIT_HV_IPI, icr, 0n)) !== undefined;
}

/** The vector by which the hypervisor tells of interrupts for the lower levels. */
export function* configureInjection(cpu: Cpu, guest: SevGuest, vector: number): Step<boolean> {
  const info = BigInt(vector);
  return (yield* plainCall(cpu, guest, Code.VMGEXIT_CONFIGURE_INT_INJ, info, 0n)) !== undefined;
}

/** Ends alternate injection for a level, whose interrupt state the hypervisor then takes over. */
export function* disableAlternateInjection(
  cpu: Cpu,
  guest: SevGuest,
  state: { vmpl: number; tpr: number; shadow: boolean; enabled: boolean },
): Step<boolean> {
  const info =
    (BigInt(state.vmpl) << BigInt(Layout.INJECTION_VMPL_LSB)) |
    (BigInt(state.tpr) << BigInt(Layout.INJECTION_TPR_LSB)) |
    (BigInt(state.shadow) << BigInt(Layout.INJECTION_SHADOW_BIT)) |
    (BigInt(state.enabled) << BigInt(Layout.INJECTION_IF_BIT));
  return (yield* plainCall(cpu, guest, Code.VMGEXIT_DISABLE_ALT_INJ, info, 0n)) !== undefined;
}

/** The end of an interrupt that a lower level had. */
export function* specificEoi(
  cpu: Cpu,
  guest: SevGuest,
  vmpl: number,
  vector: number,
): Step<boolean> {
  const info = (BigInt(vmpl) << BigInt(Layout.INJECTION_VMPL_LSB)) | BigInt(vector);
  return (yield* plainCall(cpu, guest, Code.VMGEXIT_SPECIFIC_EOI, info, 0n)) !== undefined;
}

// RAX of a SAVIC event: the vCPU that asks.
const THIS_VCPU = 0xffff_ffff_ffff_ffffn;

/** Tells the hypervisor the page behind the secure AVIC, which it must keep mapped; without one, that it is no longer used. */
export function* registerSavic(cpu: Cpu, guest: SevGuest, gpa?: bigint): Step<boolean> {
  const { ghcb } = guest;
  return yield* ghcb.alone(cpu, function* () {
    ghcb.clear();
    ghcb.set(Layout.RAX, THIS_VCPU);
    if (gpa !== undefined) ghcb.set(Layout.RBX, gpa);
    const operation = gpa === undefined ? Layout.SAVIC_UNREGISTER : Layout.SAVIC_REGISTER;
    return (yield* ghcb.call(cpu, Code.VMGEXIT_SAVIC, BigInt(operation), 0n)) === "ok";
  });
}

/** The APIC ids of all vCPUs, written to shared pages; or how many pages that takes. */
export function* apicIds(
  cpu: Cpu,
  guest: SevGuest,
  buffer: bigint,
  pages: bigint,
): Step<bigint | undefined> {
  const { ghcb } = guest;
  return yield* ghcb.alone(cpu, function* () {
    ghcb.clear();
    ghcb.set(Layout.RAX, pages);
    const verdict = yield* ghcb.call(cpu, Code.VMGEXIT_GET_APIC_IDS, buffer, 0n);
    return verdict === "ok" && ghcb.has(Layout.RAX) ? ghcb.get(Layout.RAX) : undefined;
  });
}

/** Asks to be ended by the page protocol. */
export function* terminateByPage(cpu: Cpu, guest: SevGuest, set: number, code: number): Step {
  const reason = BigInt(set) | (BigInt(code) << BigInt(Layout.TERMINATE_CODE_LSB));
  yield* plainCall(cpu, guest, Code.VMGEXIT_TERMINATE, reason, 0n);
}

/** Tells of an exit that this guest cannot do, with the #VC's code and information. */
export function* unsupported(cpu: Cpu, guest: SevGuest, code: bigint, info: bigint): Step {
  yield* plainCall(cpu, guest, Code.VMGEXIT_UNSUPPORTED, code, info);
}
