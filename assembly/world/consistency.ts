// What VMRUN asks of a VMCB's control area and of the state it loads. APM vol. 2, 15.5.1 and 15.34.3; spec digest vmcb-vmsa.md 5.
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as Segment from "../../ts/abi/segment";
import * as Slot from "../../ts/abi/slot";
import * as State from "../../ts/abi/state";
import * as Vmcb from "../../ts/abi/vmcb";
import * as Vmsa from "../../ts/abi/vmsa";
import * as World from "../../ts/abi/world";
import { bit } from "../address";
import { isDram } from "../dram";
import { register } from "./registers";
import { isEnabled, isHypervisorOwned } from "../rmp";
import { slotState } from "../slots";
import { control, intercepts, isEs, isSev, pageOfPointer } from "./vmcb";
import { isAddress } from "../walk";

const IOPM_PAGES: u64 = 0x3000;
const MSRPM_PAGES: u64 = 0x2000;

/** What any guest's VMCB must have. */
export function isControlConsistent(vmcb: usize): bool {
  const asid = load<u32>(vmcb, Vmcb.GUEST_ASID);
  if (!intercepts(vmcb, Exit.VMEXIT_VMRUN)) return false;
  if (asid == 0) return false;
  if (asid >= u32(Slot.COUNT)) return false;
  // Guests without nested paging are not modelled: LIMITATIONS.md.
  if (!control(vmcb, Vmcb.NESTED_CTL, Vmcb.NP_ENABLE_BIT)) return false;
  if (!isDram(pageOfPointer(load<u64>(vmcb, Vmcb.NCR3)))) return false;
  if (!isMap(vmcb, Vmcb.IOPM_BASE_PA, IOPM_PAGES, Exit.VMEXIT_IOIO)) return false;
  if (!isMap(vmcb, Vmcb.MSRPM_BASE_PA, MSRPM_PAGES, Exit.VMEXIT_MSR)) return false;
  if (!isAvicConsistent(vmcb)) return false;
  return true;
}

/** A permission map that is consulted lies in memory, as a whole. */
function isMap(vmcb: usize, field: usize, bytes: u64, code: u32): bool {
  if (!intercepts(vmcb, code)) return true;
  const map = load<u64>(vmcb + field);
  return isAddress(map) && isDram(pageOfPointer(map + bytes - 1));
}

/** The backing page of a virtual APIC is the hypervisor's own. */
function isAvicConsistent(vmcb: usize): bool {
  if (!bit(load<u32>(vmcb, Vmcb.INT_CTL), Vmcb.AVIC_BIT)) return true;
  const page = pageOfPointer(load<u64>(vmcb, Vmcb.AVIC_BACKING_PAGE));
  return isDram(page) && (!isEnabled() || isHypervisorOwned(page, false));
}

/** What a SEV guest's VMCB must have besides. */
export function isSevConsistent(vmcb: usize): bool {
  if (isEs(vmcb) && !isSev(vmcb)) return false;
  if (!isSev(vmcb)) return true;
  const asid = load<u32>(vmcb, Vmcb.GUEST_ASID);
  if (!bit(load<u64>(Memory.WORLD, World.HWCR), 0)) return false;
  if (asid > load<u32>(Memory.WORLD, World.ASIDS)) return false;
  if (asid < load<u32>(Memory.WORLD, World.MIN_SEV_ASID) && !isEs(vmcb)) return false;
  if (slotState(asid) != Slot.ACTIVE) return false;
  return true;
}

const UPPER: u64 = 0xffffffff00000000;

/** What the state of any guest must have, once loaded. */
export function isStateConsistent(): bool {
  const cr0 = register(Vmsa.CR0);
  const cr4 = register(Vmsa.CR4);
  const efer = register(Vmsa.EFER);
  const long = bit(efer, Vmsa.EFER_LME_BIT);
  const paging = bit(cr0, Vmsa.CR0_PG_BIT);
  if (!bit(efer, Vmsa.EFER_SVME_BIT)) return false;
  if (!bit(cr0, Vmsa.CR0_CD_BIT) && bit(cr0, Vmsa.CR0_NW_BIT)) return false;
  if (cr0 & UPPER) return false;
  if (!isAddress(register(Vmsa.CR3))) return false;
  if (cr4 & UPPER) return false;
  if (register(Vmsa.DR6) & UPPER) return false;
  if (register(Vmsa.DR7) & UPPER) return false;
  if (efer & UPPER) return false;
  if (long && paging && !bit(cr4, Vmsa.CR4_PAE_BIT)) return false;
  if (long && paging && !bit(cr0, Vmsa.CR0_PE_BIT)) return false;
  if (long && paging && bit(cr4, Vmsa.CR4_PAE_BIT) && isBothSizes()) return false;
  // Paging of 32-bit modes is not modelled: LIMITATIONS.md.
  if (paging && !long) return false;
  return true;
}

/** Whether the code segment says 64 and 32 bits at once. */
function isBothSizes(): bool {
  const attributes = u64(load<u16>(Memory.REGISTERS, Vmsa.CS + Segment.ATTRIB));
  return bit(attributes, Vmsa.ATTRIB_LONG_BIT) && bit(attributes, Vmsa.ATTRIB_DEFAULT_BIT);
}
