// Interrupts of guests that decide themselves what is injected: doorbell, IPIs, levels, secure AVIC. AMD 56421, 4.1.10 to 4.1.20.
import * as Layout from "../../abi/ghcb.ts";
import * as Doorbell from "../../abi/hv-doorbell.ts";
import * as Features from "../../abi/sev-features.ts";
import * as Vmcb from "../../abi/vmcb.ts";
import { interrupt } from "../exit/interrupt-window.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { refuse } from "./page.ts";
import { deliverInit, deliverSipi, vcpuOf } from "./processor.ts";
import type { Event } from "./state.ts";

const PAGE = 0x1000n;
const NO_PREFERENCE = (1n << 64n) - 1n;
const HV = 28;

const field = (value: bigint, lsb: number, width: number) =>
  Number((value >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n));

/** NMIs may be injected again: nothing of ours waits for it. */
export function nmiComplete(): Outcome {
  return "runs";
}

export function doorbell({ vm, vcpu, page, info1, info2: gpa }: Event): Outcome {
  const { ghcb } = vcpu;
  switch (Number(info1)) {
    case Layout.DOORBELL_GET_PREFERRED:
      page.answer(0n, NO_PREFERENCE);
      return "runs";
    case Layout.DOORBELL_SET:
      if (gpa === 0n || gpa % PAGE !== 0n || vm.spaOf(gpa) === undefined)
        return refuse(page, Layout.INVALID_INPUT);
      ghcb.doorbell = gpa;
      break;
    case Layout.DOORBELL_QUERY:
      break;
    case Layout.DOORBELL_CLEAR:
      ghcb.doorbell = 0n;
      break;
    default:
      return refuse(page, Layout.INVALID_INPUT);
  }
  page.answer(0n, ghcb.doorbell);
  return "runs";
}

/** Rings: the vector goes into the page, and #HV is injected unless the guest is about to look anyway. */
export function ring(vm: Vm, target: Vcpu, vector: number): boolean {
  const spa = target.ghcb.doorbell === 0n ? undefined : vm.spaOf(target.ghcb.doorbell);
  const bytes = new Uint8Array(2);
  if (spa === undefined || !vm.host.read(spa, bytes)) return false;
  const flags = bytes[Doorbell.FLAGS] as number;
  bytes[Doorbell.VECTOR] = vector;
  bytes[Doorbell.FLAGS] = flags | (1 << Doorbell.NO_FURTHER_SIGNAL_BIT);
  if (!vm.host.write(spa, bytes)) return false;
  if ((flags & (1 << Doorbell.NO_FURTHER_SIGNAL_BIT)) === 0)
    target.inject(Vmcb.EVENT_EXCEPTION, HV);
  return true;
}

/** Delivers a vector: by the doorbell where injection is restricted, else when the guest takes interrupts. */
export function deliver(vm: Vm, target: Vcpu, vector: number): boolean {
  const features = target.vmcb.u64(Vmcb.GUEST_SEV_FEATURES);
  if (((features >> BigInt(Features.RESTRICTED_INJECTION_BIT)) & 1n) === 1n)
    return ring(vm, target, vector);
  interrupt(target, vector);
  return true;
}

// The interrupt command register in x2APIC form. APM vol. 2, 16.5 and 16.13.
const ICR_VECTOR_WIDTH = 8;
const ICR_MODE_LSB = 8;
const ICR_MODE_WIDTH = 3;
const ICR_SHORTHAND_LSB = 18;
const ICR_SHORTHAND_WIDTH = 2;
const ICR_DESTINATION_LSB = 32;
const [FIXED, NMI, INIT, SIPI] = [0, 4, 5, 6] as const;
const [SELF, ALL, OTHERS] = [1, 2, 3] as const;

/** An IPI as the guest's APIC would send it. */
export function hvIpi({ vm, vcpu, page, info1: icr }: Event): Outcome {
  const targets = targetsOf(vm, vcpu, icr);
  if (targets.length === 0) return refuse(page, Layout.INVALID_INPUT);
  const mode = field(icr, ICR_MODE_LSB, ICR_MODE_WIDTH);
  if (mode !== FIXED && mode !== NMI && mode !== INIT && mode !== SIPI)
    return refuse(page, Layout.INVALID_INPUT);
  for (const target of targets) {
    if (mode === FIXED) deliver(vm, target, field(icr, 0, ICR_VECTOR_WIDTH));
    else if (mode === NMI) target.inject(Vmcb.EVENT_NMI, NMI_VECTOR);
    else if (mode === INIT) deliverInit(target);
    else deliverSipi(vm, target);
  }
  return "runs";
}
const NMI_VECTOR = 2;

function targetsOf(vm: Vm, from: Vcpu, icr: bigint): Vcpu[] {
  const shorthand = field(icr, ICR_SHORTHAND_LSB, ICR_SHORTHAND_WIDTH);
  if (shorthand === SELF) return [from];
  if (shorthand === ALL) return vm.vcpus;
  if (shorthand === OTHERS) return vm.vcpus.filter((vcpu) => vcpu !== from);
  const target = vcpuOf(vm, field(icr, ICR_DESTINATION_LSB, 32));
  return target ? [target] : [];
}

const THIS_VCPU = (1n << 64n) - 1n;

/** The page behind a secure AVIC must stay mapped from now on. */
export function savic({ vm, vcpu, page, info1 }: Event): Outcome {
  const which = page.get(Layout.RAX);
  const target = which === THIS_VCPU ? vcpu : vcpuOf(vm, Number(which & 0xffff_ffffn));
  if (!target) return refuse(page, Layout.INVALID_INPUT);
  if (info1 === BigInt(Layout.SAVIC_UNREGISTER)) {
    target.ghcb.savic = undefined;
    return "runs";
  }
  const gpa = page.get(Layout.RBX);
  if (info1 !== BigInt(Layout.SAVIC_REGISTER) || !page.isValid(Layout.RBX) || gpa % PAGE !== 0n)
    return refuse(page, Layout.INVALID_INPUT);
  target.ghcb.savic = gpa;
  return "runs";
}

/** Vectors below 31 are exceptions. */
export function configureInjection({ vcpu, page, info1 }: Event): Outcome {
  if (info1 < FIRST_VECTOR || info1 > LAST_VECTOR) return refuse(page, Layout.INVALID_INPUT);
  vcpu.ghcb.injectionVector = Number(info1);
  return "runs";
}
const FIRST_VECTOR = 31n;
const LAST_VECTOR = 255n;

const vmplOf = (info: bigint) =>
  field(info, Layout.INJECTION_VMPL_LSB, Layout.INJECTION_VMPL_WIDTH);

export function disableAlternateInjection({ vcpu, page, info1 }: Event): Outcome {
  const vmpl = vmplOf(info1);
  if (vmpl === 0 || !vcpu.ghcb.levels[vmpl]) return refuse(page, Layout.INVALID_INPUT);
  vcpu.ghcb.alternate.set(vmpl, {
    tpr: field(info1, Layout.INJECTION_TPR_LSB, Layout.INJECTION_TPR_WIDTH),
    shadow: field(info1, Layout.INJECTION_SHADOW_BIT, 1) === 1,
    enabled: field(info1, Layout.INJECTION_IF_BIT, 1) === 1,
  });
  return "runs";
}

export function specificEoi({ vcpu, page, info1 }: Event): Outcome {
  const vmpl = vmplOf(info1);
  if (vmpl === 0 || !vcpu.ghcb.levels[vmpl]) return refuse(page, Layout.INVALID_INPUT);
  vcpu.ghcb.inService.delete(field(info1, 0, Layout.EOI_VECTOR_WIDTH));
  return "runs";
}
