// The IOMMU: whose memory a device may reach, and as whom. A device has no ASID of its own; a TDI bound by the firmware
// reaches private memory as its guest's ASID and VMPL. AMD 48882, 2.2.2; spec digest rmp.md 7.
import * as DeviceTable from "../ts/abi/device-table";
import * as Exit from "../ts/abi/exit";
import * as Memory from "../ts/abi/memory";
import * as Slot from "../ts/abi/slot";
import { pageOf } from "./address";
import { deviceFault } from "./exit";
import { ALLOWED, check, isEnabled, isHypervisorOwned } from "./rmp";
import { slotState } from "./slots";
import { WRITE } from "./tlb";
import { isNestedLarge, nestedKey, NO_FRAME, spa, walkTables } from "./nested";

/** The table's entry of a device. */
export function entryOf(device: u32): usize {
  return Memory.DEVICE_TABLE + usize(device & (DeviceTable.ENTRIES - 1)) * DeviceTable.SIZE;
}

/** Sets a device's entry. Only the firmware may make it Trusted (ts/core.ts). */
export function attach(device: u32, ncr3: u64, asid: u32, vmpl: u32, mode: u32): void {
  const entry = entryOf(device);
  store<u64>(entry, ncr3, DeviceTable.NCR3);
  store<u32>(entry, asid, DeviceTable.ASID);
  store<u32>(entry, vmpl, DeviceTable.VMPL);
  store<u32>(entry, mode, DeviceTable.MODE);
}

/** DeviceTable.BLOCKED, SHARED or TRUSTED. */
export function modeOf(device: u32): u32 {
  return load<u32>(entryOf(device), DeviceTable.MODE);
}

/** The key a device's request was admitted under; set by `translate`. */
export let deviceKey: u32 = 0;

/** Translates and checks a request; sets walk's spa and deviceKey. */
export function translate(device: u32, gpa: u64, need: u64): bool {
  const entry = entryOf(device);
  const mode = load<u32>(entry, DeviceTable.MODE);
  if (mode == DeviceTable.BLOCKED) return deviceFault(Exit.IO_PAGE_FAULT, device, gpa);
  const failure = walkTables(load<u64>(entry, DeviceTable.NCR3), gpa, need);
  if (failure == NO_FRAME) return false;
  if (failure) return deviceFault(Exit.IO_PAGE_FAULT, device, gpa);
  deviceKey = nestedKey();
  if (mode == DeviceTable.TRUSTED) {
    const asid = load<u32>(entry, DeviceTable.ASID);
    const vmpl = load<u32>(entry, DeviceTable.VMPL);
    deviceKey = asid;
    if (slotState(asid) != Slot.ACTIVE) return deviceFault(Exit.IO_PAGE_FAULT, device, gpa);
    const verdict = check(pageOf(spa), gpa, asid, vmpl, false, need, isNestedLarge);
    return verdict == ALLOWED || deviceFault(Exit.RMP_PAGE_FAULT, device, gpa);
  }
  if (need != WRITE || !isEnabled() || isHypervisorOwned(pageOf(spa), isNestedLarge)) return true;
  return deviceFault(Exit.RMP_PAGE_FAULT, device, gpa);
}
