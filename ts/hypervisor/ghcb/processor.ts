// Starting processors: a VMSA for SNP, a jump table for SEV-ES. AMD 56421, 4.1.4, 4.1.5, 4.1.9; KVM sev_snp_ap_creation.
import * as Layout from "../../abi/ghcb.ts";
import * as Protocol from "../../abi/ghcb-msr.ts";
import * as Vmcb from "../../abi/vmcb.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { refuse } from "./page.ts";
import { writeGuest } from "./scratch.ts";
import type { Event } from "./state.ts";

const PAGE = 0x1000n;
const LARGE = 0x200000n;

const field = (value: bigint, lsb: number, width: number) =>
  Number((value >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n));

/** The vCPU of an APIC id, which is its number. */
export const vcpuOf = (vm: Vm, apicId: number): Vcpu | undefined =>
  vm.vcpus.find(({ index }) => index === apicId);

export function apCreation(event: Event): Outcome {
  const { vm, page, info1 } = event;
  const target = vcpuOf(vm, field(info1, Layout.AP_APIC_ID_LSB, 32));
  const vmpl = field(info1, Layout.AP_VMPL_LSB, Layout.AP_VMPL_WIDTH);
  const level = target?.ghcb.levels[vmpl];
  if (!target || !level) return refuse(page, Layout.INVALID_INPUT);
  const request = field(info1, 0, Layout.AP_REQUEST_WIDTH);
  if (request === Layout.AP_DESTROY) {
    level.vmsa = undefined;
    if (vmpl === target.ghcb.vmpl) target.halted = true;
    return "runs";
  }
  const vmsa = newVmsa(event);
  const known = request === Layout.AP_CREATE || request === Layout.AP_CREATE_ON_INIT;
  if (!known || vmsa === undefined) return refuse(page, Layout.INVALID_INPUT);
  if (request === Layout.AP_CREATE_ON_INIT) target.ghcb.onInit = { vmpl, vmsa };
  else enter(target, vmpl, vmsa);
  return "runs";
}

/** The spa of the VMSA in an AP creation; undefined when KVM would refuse it. The RMP's own check is VMRUN's. */
function newVmsa({ vm, vcpu, page, info2: gpa }: Event): bigint | undefined {
  if (page.get(Layout.RAX) !== vcpu.vmcb.u64(Vmcb.GUEST_SEV_FEATURES)) return undefined;
  // A VMSA at the start of a 2 MiB page makes the CPU take all of that for in use: erratum, spec digest rmp.md 5.
  if (gpa % PAGE !== 0n || gpa % LARGE === 0n) return undefined;
  return vm.spaOf(gpa);
}

/** Gives a level its VMSA. The vCPU wakes in the level it is in: one above the new one's may be waiting for it. */
function enter(target: Vcpu, vmpl: number, vmsa: bigint): void {
  const level = target.ghcb.levels[vmpl];
  if (!level) return;
  level.vmsa = vmsa;
  level.registered = undefined;
  if (vmpl === target.ghcb.vmpl) target.vmcb.setU64(Vmcb.VMSA_PTR, vmsa);
  target.halted = false;
}

/** INIT: what was created for it starts. */
export function deliverInit(target: Vcpu): void {
  const { onInit } = target.ghcb;
  target.ghcb.onInit = undefined;
  if (onInit) enter(target, onInit.vmpl, onInit.vmsa);
}

/** SIPI: a vCPU that waits in an AP reset hold goes on. */
export function deliverSipi(vm: Vm, target: Vcpu): void {
  const { ghcb } = target;
  const hold = ghcb.hold;
  ghcb.hold = undefined;
  if (hold === undefined) return;
  target.halted = false;
  if (hold === "msr") {
    const woken = BigInt(Protocol.AP_RESET_HOLD_RESPONSE) | (1n << BigInt(Protocol.INFO_WIDTH));
    target.vmcb.setU64(Vmcb.GHCB_PA, woken);
    return;
  }
  const spa = vm.spaOf(target.vmcb.u64(Vmcb.GHCB_PA));
  ghcb.page.answer(0n, 1n);
  if (spa !== undefined) ghcb.page.store(vm.host, spa);
}

/** Sleeps until a SIPI; the answer stands already, but for SW_EXITINFO2. */
export function apResetHold({ vcpu }: Event): Outcome {
  vcpu.ghcb.hold = "page";
  return "sleeps";
}

export function apJumpTable({ vm, page, info1, info2 }: Event): Outcome {
  if (info1 === BigInt(Layout.JUMP_TABLE_SET)) vm.ghcb.jumpTable = info2;
  else if (info1 === BigInt(Layout.JUMP_TABLE_GET)) page.answer(0n, vm.ghcb.jumpTable);
  else return refuse(page, Layout.INVALID_INPUT);
  return "runs";
}

/** The APIC ids of all vCPUs: a count and the ids, four bytes each. RAX: pages there are, answered with pages it takes. */
export function apicIds({ vm, page, info1: gpa }: Event): Outcome {
  const list = new DataView(new ArrayBuffer(4 + 4 * vm.vcpus.length));
  list.setUint32(0, vm.vcpus.length, true);
  vm.vcpus.forEach(({ index }, i) => {
    list.setUint32(4 + 4 * i, index, true);
  });
  const needed = BigInt(Math.ceil(list.byteLength / Layout.SIZE));
  const pages = page.get(Layout.RAX);
  page.set(Layout.RAX, needed);
  if (pages < needed) return "runs";
  if (gpa % PAGE !== 0n) return refuse(page, Layout.INVALID_INPUT);
  const written = writeGuest(vm, gpa, new Uint8Array(list.buffer));
  return written ? "runs" : refuse(page, Layout.INVALID_INPUT);
}
