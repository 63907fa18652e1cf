// One thing of a VMCB, a VMSA or the machine changed before VMRUN: what the tests of its checks share.
import type { Generation } from "../../dist/chip/chip.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import * as Segment from "../../ts/abi/segment.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { bit } from "../core.ts";
import { assert } from "../kit.ts";
import { type Rig, rig, setVmsa, vmsaOf } from "./rig.ts";

export const ALL: Generation[] = ["none", "sev", "sev-es", "sev-snp"];
export const SEV: Generation[] = ["sev", "sev-es", "sev-snp"];
export const ES: Generation[] = ["sev-es", "sev-snp"];
export const SNP: Generation[] = ["sev-snp"];

/** A guest that notes that it ran. */
export function guest(generation: Generation, ran: { times: number }, sevFeatures = 0n): Rig {
  const program = function* (cpu: Cpu): Step {
    ran.times++;
    yield* cpu.hlt();
  };
  return rig(generation, program, { sevFeatures });
}

/** A field of the VMCB becomes another value. */
export const field = (offset: number, change: (old: bigint) => bigint) => (made: Rig) =>
  made.vcpu.vmcb.setU64(offset, change(made.vcpu.vmcb.u64(offset)));
/** A register of the state becomes another value, wherever the state is. */
export const state = (offset: number, change: (old: bigint) => bigint) => (made: Rig) => {
  if (!made.vcpu.es) {
    made.vcpu.vmcb.setSaved(offset, change(made.vcpu.vmcb.saved(offset)));
    return;
  }
  setVmsa(made, (view) => view.setBigUint64(offset, change(view.getBigUint64(offset, true)), true));
};
export const asid = (value: number) => (made: Rig) =>
  made.vcpu.vmcb.setU32(Layout.GUEST_ASID, value);
export const inject = (type: number, vector: number) => (made: Rig) =>
  made.vcpu.inject(type, vector);
export const rmp = (change: (low: bigint) => bigint) => (made: Rig) => {
  const { firmware } = made.platform.core;
  const { low, high } = firmware.rmp(vmsaOf(made));
  firmware.setRmp(vmsaOf(made), change(low), high);
};
export const features = (mask: bigint) => state(Vmsa.SEV_FEATURES, (old) => old | mask);

/** The state becomes that of long mode with paging, then one thing goes wrong. */
export function long(wrong: (made: Rig) => void): (made: Rig) => void {
  return (made) => {
    state(Vmsa.CR0, (old) => old | bit(Vmsa.CR0_PG_BIT) | bit(Vmsa.CR0_PE_BIT))(made);
    state(Vmsa.CR4, (old) => old | bit(Vmsa.CR4_PAE_BIT))(made);
    state(Vmsa.EFER, (old) => old | bit(Vmsa.EFER_LME_BIT) | bit(Vmsa.EFER_LMA_BIT))(made);
    wrong(made);
  };
}

export function withApic(feature: number): (made: Rig) => void {
  return (made) => {
    features(bit(feature))(made);
    made.vcpu.vmcb.setU32(Layout.INT_CTL, 2 ** Layout.AVIC_BIT);
    made.vcpu.vmcb.setU64(Layout.AVIC_BACKING_PAGE, made.vm.root);
  };
}

/** An ASID with a key in its slot, which this guest may not have. */
export function borrowed(made: Rig, value: number): void {
  made.platform.core.firmware.installKey(value, new Uint8Array(16), new Uint8Array(16));
  asid(value)(made);
}

/** The host flips a bit of the VMSA's ciphertext. */
export function flip(made: Rig, offset: number): void {
  const { host } = made.platform.core;
  const byte = new Uint8Array(1);
  host.read(vmsaOf(made) + BigInt(offset), byte);
  byte[0] = (byte[0] as number) ^ 1;
  assert.ok(host.write(vmsaOf(made) + BigInt(offset), byte));
}

/** A bit of the code segment's attributes. */
export function codeSegment(position: number): (made: Rig) => void {
  return state(Vmsa.CS, (old) => old | bit(8 * Segment.ATTRIB + position));
}
