// CREATE_VCPU and DELETE_VCPU: a page of the guest becomes a VMSA of its level, or memory again. AMD 58019, 4.3 and 4.4.
import * as Answer from "../../abi/rmp-state.ts";
import * as Layout from "../../abi/svsm.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Cpu, Step } from "../cpu.ts";
import { EVERYTHING, permit } from "./pvalidate.ts";
import type { Call, Svsm } from "./svsm.ts";

const LOW = 0xffff_ffffn;
const SVME = 1n << BigInt(Vmsa.EFER_SVME_BIT);

/** RCX: the VMSA's gpa, RDX: the calling area's, R8: the APIC id. */
export function* createVcpu(cpu: Cpu, svsm: Svsm, { rcx, rdx, r8 }: Call): Step<number> {
  const apicId = Number(r8 & LOW);
  if (!svsm.isGuestPage(rcx) || !svsm.isGuestPage(rdx) || rcx === rdx)
    return Layout.INVALID_ADDRESS;
  if (svsm.vmsas.has(rcx) || svsm.vmsas.has(rdx)) return Layout.INVALID_ADDRESS;
  if (!svsm.options.apicIds.includes(apicId)) return Layout.INVALID_PARAMETER;
  // Claimed before anything else: another vCPU of the guest may ask for the same page meanwhile.
  svsm.vmsas.add(rcx);
  if (yield* take(cpu, svsm, svsm.gva(rcx))) {
    svsm.vcpus.set(rcx, { apicId, vmsa: rcx, callingArea: rdx });
    return Layout.SUCCESS;
  }
  svsm.vmsas.delete(rcx);
  return Layout.INVALID_PARAMETER;
}

/** Out of the guest's hands first: what is checked then is what runs. */
function* take(cpu: Cpu, svsm: Svsm, gva: bigint): Step<boolean> {
  if ((yield* permit(cpu, svsm, gva, false, 0)) !== Answer.SUCCESS) return false;
  if ((yield* isVmsa(cpu, svsm, gva)) && (yield* makeVmsa(cpu, svsm, gva, true))) return true;
  yield* permit(cpu, svsm, gva, false, EVERYTHING);
  return false;
}

/** Its level is the guest's own, its features are all of the guest's, and it can run. */
function* isVmsa(cpu: Cpu, { options }: Svsm, gva: bigint): Step<boolean> {
  const page = new Uint8Array(Vmsa.GUEST_EXITCODE);
  yield* cpu.read(gva, page);
  const view = new DataView(page.buffer);
  if (view.getUint8(Vmsa.VMPL) !== options.vmpl) return false;
  if ((view.getBigUint64(Vmsa.EFER, true) & SVME) === 0n) return false;
  return view.getBigUint64(Vmsa.SEV_FEATURES, true) === options.features;
}

function* makeVmsa(cpu: Cpu, { options }: Svsm, gva: bigint, vmsa: boolean): Step<boolean> {
  const eax = yield* cpu.rmpadjust(gva, false, { vmpl: options.vmpl, permissions: 0, vmsa });
  return eax === Answer.SUCCESS;
}

/** RCX: the VMSA's gpa. The vCPU that asks cannot delete itself. */
export function* deleteVcpu(cpu: Cpu, svsm: Svsm, { from, rcx }: Call): Step<number> {
  if (!svsm.vcpus.has(rcx)) return Layout.INVALID_PARAMETER;
  if (from.vmsa === rcx) return Layout.INVALID_REQUEST;
  const gva = svsm.gva(rcx);
  // Without SVME nothing enters it any more, should the hypervisor try in between.
  yield* cpu.write(gva + BigInt(Vmsa.EFER), new Uint8Array(8));
  if (!(yield* makeVmsa(cpu, svsm, gva, false))) return Layout.INVALID_ADDRESS;
  yield* permit(cpu, svsm, gva, false, EVERYTHING);
  svsm.vcpus.delete(rcx);
  svsm.vmsas.delete(rcx);
  return Layout.SUCCESS;
}
