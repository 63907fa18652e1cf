// The IOMMU: whose memory a device may reach, and as whom. The host's own table says by which page tables; the secure one, which
// the firmware writes, as which ASID and VMPL requests with the T bit are checked. AMD 48882, 2.2.2; spec digest sev-tio.md 5.
import * as DeviceTable from "../ts/abi/device-table";
import * as Exit from "../ts/abi/exit";
import * as Memory from "../ts/abi/memory";
import * as Slot from "../ts/abi/slot";
import { bit, mask, pageOf } from "./address";
import { deviceFault } from "./exit";
import { ALLOWED, check, isEnabled, isHypervisorOwned } from "./rmp";
import { slotState } from "./slots";
import { READ, WRITE } from "./tlb";
import { isNestedLarge, nestedKey, NO_FRAME, spa, walkTables } from "./nested";

/** Reads as zeros: attached to nothing, and no secure entry. */
const NO_ROW: usize = 0;
const FENCED_DMA: u32 = (1 << DeviceTable.FENCE_ERROR_BIT) | (1 << DeviceTable.FENCE_DEFAULT_BIT);
const UNTRUSTED: u32 = DeviceTable.UNTRUSTED;

function rowAt(index: u32): usize {
  return Memory.DEVICE_TABLE + usize(index) * DeviceTable.SIZE;
}

/** A device's row; NO_ROW while neither host nor firmware has given it one. */
function rowOf(rid: u32): usize {
  const index = load<u8>(Memory.DEVICE_ROWS + usize(rid));
  return index ? rowAt(index) : NO_ROW;
}

/** A device's row, made if need be; NO_ROW when all are taken. */
function makeRow(rid: u32): usize {
  const found = rowOf(rid);
  if (found) return found;
  for (let index: u32 = 1; index < u32(DeviceTable.ROWS); index++) {
    const row = rowAt(index);
    if (load<u32>(row, DeviceTable.TAKEN)) continue;
    store<u32>(row, 1, DeviceTable.TAKEN);
    store<u8>(Memory.DEVICE_ROWS + usize(rid), u8(index));
    return row;
  }
  return NO_ROW;
}

/** The host attaches a device to nested tables, whatever the firmware has bound it to. False when every row is taken. */
export function attach(rid: u32, ncr3: u64): bool {
  const row = makeRow(rid);
  if (!row) return false;
  store<u64>(row, ncr3, DeviceTable.NCR3);
  store<u32>(row, 1, DeviceTable.ATTACHED);
  return true;
}

/** The firmware's entry; `secure` has VALID_BIT and what it allows. False when every row is taken. */
export function setSecure(rid: u32, secure: u32, asid: u32, vmpl: u32, vtom: u64, via: u32): bool {
  const row = makeRow(rid);
  if (!row) return false;
  store<u32>(row, secure, DeviceTable.SECURE);
  store<u32>(row, asid, DeviceTable.ASID);
  store<u32>(row, vmpl, DeviceTable.VMPL);
  store<u64>(row, vtom, DeviceTable.VTOM);
  store<u32>(row, via, DeviceTable.VIA);
  return true;
}

/** The entry is invalid from now on, and the device fenced from the ASID it had. */
export function clearSecure(rid: u32): void {
  const row = rowOf(rid);
  if (!load<u32>(row, DeviceTable.SECURE)) return;
  const fence = fenceAt(row, load<u32>(row, DeviceTable.ASID));
  const raised = (1 << DeviceTable.FENCE_DEFAULT_BIT) | (1 << DeviceTable.FENCE_MMIO_BIT);
  store<u8>(fence, load<u8>(fence) | u8(raised));
  store<u32>(row, 0, DeviceTable.SECURE);
}

function fenceAt(row: usize, asid: u32): usize {
  const index = (row - Memory.DEVICE_TABLE) / DeviceTable.SIZE;
  return Memory.FENCES + (index << 10) + usize(asid & (Slot.COUNT - 1));
}

/** The fence bits of a device for an ASID. */
export function fenceOf(rid: u32, asid: u32): u32 {
  const row = rowOf(rid);
  return row ? load<u8>(fenceAt(row, asid)) : 0;
}

export function clearFence(rid: u32, asid: u32): void {
  const row = rowOf(rid);
  if (row) store<u8>(fenceAt(row, asid), 0);
}

/** Over which stream a guest's requests with the T bit go to a device's registers; UNTRUSTED: not at all. */
export function secureVia(rid: u32, asid: u32): u32 {
  const row = rowOf(rid);
  if (!isSecure(row, DeviceTable.VALID_BIT)) return UNTRUSTED;
  if (load<u32>(row, DeviceTable.ASID) != asid) return UNTRUSTED;
  if (bit(load<u8>(fenceAt(row, asid)), DeviceTable.FENCE_MMIO_BIT)) return UNTRUSTED;
  return load<u32>(row, DeviceTable.VIA);
}

function isSecure(row: usize, position: i32): bool {
  return bit(load<u32>(row, DeviceTable.SECURE), position);
}

/** The key a device's request was admitted under; set by `translate`. */
export let deviceKey: u32 = 0;

/** Translates and checks a request; `via` says how it came, if it has the T bit. Sets walk's spa and deviceKey. */
export function translate(rid: u32, gpa: u64, need: u64, via: u32): bool {
  const row = rowOf(rid);
  if (via != UNTRUSTED) return translateSecure(row, rid, gpa, need, via);
  return translateShared(row, rid, gpa, need);
}

function translateShared(row: usize, rid: u32, gpa: u64, need: u64): bool {
  if (!walkHost(row, rid, gpa, need)) return false;
  deviceKey = nestedKey();
  if (need != WRITE || !isEnabled() || isHypervisorOwned(pageOf(spa), isNestedLarge)) return true;
  return deviceFault(Exit.RMP_PAGE_FAULT, rid, gpa);
}

/** By the host's own tables. */
function walkHost(row: usize, rid: u32, gpa: u64, need: u64): bool {
  if (!load<u32>(row, DeviceTable.ATTACHED)) return deviceFault(Exit.IO_PAGE_FAULT, rid, gpa);
  const failure = walkTables(load<u64>(row, DeviceTable.NCR3), gpa, need);
  if (failure == NO_FRAME) return false;
  return failure == 0 || deviceFault(Exit.IO_PAGE_FAULT, rid, gpa);
}

function translateSecure(row: usize, rid: u32, gpa: u64, need: u64, via: u32): bool {
  const valid = isSecure(row, DeviceTable.VALID_BIT);
  if (!valid || load<u32>(row, DeviceTable.VIA) != via)
    return deviceFault(Exit.ILLEGAL_DEV_TABLE_ENTRY, rid, gpa);
  const asid = load<u32>(row, DeviceTable.ASID);
  if (load<u8>(fenceAt(row, asid)) & FENCED_DMA) return deviceFault(Exit.IO_PAGE_FAULT, rid, gpa);
  const allowed = isSecure(row, need == READ ? DeviceTable.READ_BIT : DeviceTable.WRITE_BIT);
  if (!allowed || slotState(asid) != Slot.ACTIVE) return deviceFault(Exit.IO_PAGE_FAULT, rid, gpa);
  if (isSecure(row, DeviceTable.VTOM_BIT) && gpa >= load<u64>(row, DeviceTable.VTOM))
    return translateShared(row, rid, gpa, need);
  if (!walkHost(row, rid, gpa, need)) return false;
  deviceKey = asid;
  const vmpl = load<u32>(row, DeviceTable.VMPL);
  const verdict = check(pageOf(spa), gpa, asid, vmpl, false, need, isNestedLarge);
  return verdict == ALLOWED || violation(row, rid, gpa, asid);
}

/** The RMP refuses a request that claims to be the guest's: the device is fenced from that ASID until the firmware lets it go. */
function violation(row: usize, rid: u32, gpa: u64, asid: u32): bool {
  const fence = fenceAt(row, asid);
  store<u8>(fence, load<u8>(fence) | u8(mask(DeviceTable.FENCE_ERROR_BIT)));
  return deviceFault(Exit.RMP_PAGE_FAULT, rid, gpa);
}
