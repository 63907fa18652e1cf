// The guest's state between memory and the register file. Without SEV-ES the VMCB holds what VMRUN and VMLOAD load, and the other
// registers stay in the CPU, where the host finds them. APM vol. 2, 15.5.1 and 15.35.6.
import * as Memory from "../../ts/abi/memory";
import * as Vmcb from "../../ts/abi/vmcb";
import * as Vmsa from "../../ts/abi/vmsa";
import { PAGE_SHIFT } from "../address";
import { markDirty } from "../page";

function copy(to: usize, from: usize, start: usize, end: usize): void {
  memory.copy(to + start, from + start, end - start);
}

/** What VMRUN loads and #VMEXIT saves in a VMCB. */
function copyVmcbState(to: usize, from: usize): void {
  copy(to, from, Vmsa.ES, Vmsa.FS);
  copy(to, from, Vmsa.GDTR, Vmsa.LDTR);
  copy(to, from, Vmsa.IDTR, Vmsa.TR);
  copy(to, from, Vmsa.CPL, Vmsa.RESERVED_0CC);
  copy(to, from, Vmsa.EFER, Vmsa.RESERVED_0D8);
  copy(to, from, Vmsa.CR4, Vmsa.DR0);
  copy(to, from, Vmsa.RSP, Vmsa.STAR);
  copy(to, from, Vmsa.CR2, Vmsa.RESERVED_248);
  copy(to, from, Vmsa.G_PAT, Vmsa.RESERVED_298);
  copy(to, from, Vmsa.SPEC_CTRL, Vmsa.PKRU);
}

/** What VMLOAD loads and VMSAVE saves in a VMCB. APM vol. 3, VMLOAD. */
export function copySystemState(to: usize, from: usize): void {
  copy(to, from, Vmsa.FS, Vmsa.GDTR);
  copy(to, from, Vmsa.LDTR, Vmsa.IDTR);
  copy(to, from, Vmsa.TR, Vmsa.PL0_SSP);
  copy(to, from, Vmsa.STAR, Vmsa.CR2);
}

/** What neither does: the CPU just keeps it. */
function copyKept(to: usize, from: usize): void {
  copy(to, from, Vmsa.DR0, Vmsa.RESERVED_1C0);
  copy(to, from, Vmsa.PKRU, Vmsa.GUEST_TSC_SCALE);
  copy(to, from, Vmsa.RCX, Vmsa.RESERVED_380);
  copy(to, from, Vmsa.XCR0, Vmsa.XSAVE_VALID);
  copy(to, from, Vmsa.X87_DP, Vmsa.USED);
}

export function loadFromVmcb(vmcb: usize): void {
  memory.fill(Memory.REGISTERS, 0, Vmsa.USED);
  copyVmcbState(Memory.REGISTERS, vmcb + Vmcb.SAVE_AREA);
  copySystemState(Memory.REGISTERS, Memory.HOST_REGISTERS);
  copyKept(Memory.REGISTERS, Memory.HOST_REGISTERS);
}

export function saveToVmcb(vmcb: usize): void {
  copyVmcbState(vmcb + Vmcb.SAVE_AREA, Memory.REGISTERS);
  markDirty(u32(vmcb >> PAGE_SHIFT), Vmcb.SAVE_AREA, Vmcb.SAVED);
  copySystemState(Memory.HOST_REGISTERS, Memory.REGISTERS);
  copyKept(Memory.HOST_REGISTERS, Memory.REGISTERS);
}

/** DR0 to DR3 and their masks are swapped under DebugSwap only: else guest and host have the same ones. APM vol. 2, 15.35.8. */
export function loadFromVmsa(vmsa: usize, debugSwap: bool): void {
  memory.copy(Memory.REGISTERS, vmsa, Vmsa.USED);
  if (!debugSwap) copy(Memory.REGISTERS, Memory.HOST_REGISTERS, Vmsa.DR0, Vmsa.RESERVED_1C0);
}

export function saveToVmsa(vmsa: usize, debugSwap: bool): void {
  if (!debugSwap) {
    copy(Memory.HOST_REGISTERS, Memory.REGISTERS, Vmsa.DR0, Vmsa.RESERVED_1C0);
    copy(Memory.REGISTERS, vmsa, Vmsa.DR0, Vmsa.RESERVED_1C0);
  }
  memory.copy(vmsa, Memory.REGISTERS, Vmsa.USED);
  markDirty(u32(vmsa >> PAGE_SHIFT), 0, Vmsa.USED);
}
