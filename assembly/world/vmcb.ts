// The VMCB as the CPU reads and writes it. APM vol. 2, 15.5 and appendix B.
import * as Memory from "../../ts/abi/memory";
import * as State from "../../ts/abi/state";
import * as Vmcb from "../../ts/abi/vmcb";
import * as World from "../../ts/abi/world";
import { bit, OFFSET, PAGE_SHIFT, pageOf } from "../address";
import { bytesOf } from "../dram";
import { markDirty, open } from "../page";
import { cBit, hostKeyOf } from "../walk";

// The lines of the control area that #VMEXIT writes.
const WRITTEN: u32 = Vmcb.INT_CTL & ~63;

/** The page number of an spa that may carry the C-bit. */
export function pageOfPointer(spa: u64): u32 {
  return pageOf(spa & ~cBit());
}

/** Where the plaintext of the page at an spa is for the host; 0 when out of frames. */
export function placeOfPointer(spa: u64): usize {
  const frame = open(pageOfPointer(spa), hostKeyOf(spa));
  return frame ? bytesOf(frame) : 0;
}

/** Where the plaintext of the VMCB of the running guest is; 0 when out of frames. */
export function vmcbPlace(): usize {
  return placeOfPointer(load<u64>(Memory.WORLD, World.VMCB));
}

/** Says that the control fields of a VMCB were written. */
export function markControl(vmcb: usize): void {
  markDirty(u32(vmcb >> PAGE_SHIFT), WRITTEN, Vmcb.RESERVED_148 - WRITTEN);
}

/** Whether a VMCB intercepts what has this exit code. */
export function intercepts(vmcb: usize, code: u32): bool {
  return ((load<u8>(vmcb + Vmcb.INTERCEPTS + (code >> 3)) >> (code & 7)) & 1) != 0;
}

export function isPageAligned(spa: u64): bool {
  return (spa & u64(OFFSET)) == 0;
}

/** A bit of a field of a VMCB. */
export function control(vmcb: usize, field: usize, position: i32): bool {
  return bit(load<u64>(vmcb + field), position);
}

/** Whether the guest is a SEV guest. Without SYSCFG.MemEncryptionModEn the bit is ignored. */
export function isSev(vmcb: usize): bool {
  return load<u32>(Memory.STATE, State.C_BIT) != 0 && control(vmcb, Vmcb.NESTED_CTL, Vmcb.SEV_BIT);
}

/** Whether the guest is a SEV-ES guest, or would be. */
export function isEs(vmcb: usize): bool {
  const encryption = load<u32>(Memory.STATE, State.C_BIT) != 0;
  return encryption && control(vmcb, Vmcb.NESTED_CTL, Vmcb.SEV_ES_BIT);
}
