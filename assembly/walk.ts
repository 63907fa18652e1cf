// The nested walk: the guest's tables, each of whose addresses is itself translated by the host's. APM vol. 2, 5.3 and 15.25.
import * as Events from "../ts/abi/events";
import * as Exit from "../ts/abi/exit";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Pte from "../ts/abi/pte";
import * as Slot from "../ts/abi/slot";
import * as State from "../ts/abi/state";
import * as Row from "../ts/abi/table-cache";
import * as Vcpu from "../ts/abi/vcpu";
import { bit, isCanonical, mask, OFFSET, pageOf } from "./address";
import { guestRole, openTable } from "./dependent";
import { bytesOf } from "./dram";
import { count } from "./events";
import { at, exception, npf, vmexit } from "./exit";
import { walkFollowed } from "./followed";
import {
  DEVICE,
  errorOf,
  foundPage,
  hostKey,
  isNestedLarge,
  NO_FRAME,
  spa,
  walkHost,
} from "./nested";
import { markDirty, open } from "./page";
import {
  ALLOWED,
  checkAs,
  isEnabled,
  isHypervisorOwned,
  NOT_VALIDATED,
  ownedBy,
  wanted,
} from "./rmp";
import { walkRemembered } from "./remembered";
import { slotState } from "./slots";
import { FETCH, READ, vcpuTag, WRITE } from "./tlb";
import {
  findTable,
  grantedOf,
  GUEST,
  isOff,
  levelOf,
  noExecuteOf,
  rememberTable,
} from "./walk-cache";

export const LARGE_OFFSET: u64 = 0x1fffff;

// What tells an entry that names a table, and that a walk has followed before: such a one needs nothing but to be followed.
export const FOLLOWED: u64 = (u64(1) << Pte.PRESENT_BIT) | (u64(1) << Pte.ACCESSED_BIT);
export const POINTER_BITS: u64 = FOLLOWED | (u64(1) << Pte.LARGE_BIT);

// What the last walk found. Answers of the functions below; nothing else writes them.
/** The guest's half: where the page is in guest physical memory, whether the guest calls it private, and 2 MiB. */
export let gpa: u64 = 0;
export let isPrivate: bool = false;
export let isGuestLarge: bool = false;
/** The gva that is being walked. */
let accessed: u64 = 0;
/** The host's half leads to a register, not to memory. */
export let isDevice: bool = false;

function mode(position: i32): bool {
  return bit(u64(load<u32>(Memory.VCPU, Vcpu.MODE)), position);
}

export function isSev(): bool {
  return mode(Vcpu.SEV_BIT);
}

export function isSnp(): bool {
  return mode(Vcpu.SEV_SNP_BIT);
}

/** Whether VMRUN would let this vCPU in: a guest with SEV enabled needs an activated key. APM vol. 2, 15.34.3. */
export function mayRun(): bool {
  return !isSev() || slotState(load<u32>(Memory.VCPU, Vcpu.ASID)) == Slot.ACTIVE;
}

function isUser(): bool {
  return load<u32>(Memory.VCPU, Vcpu.CPL) == 3;
}

/** The C-bit's mask, or 0 where memory encryption is off. */
export function cBit(): u64 {
  return load<u64>(Memory.STATE, State.C_MASK);
}

/** The bits of an entry that hold an address on this part. */
export function frameMask(): u64 {
  return load<u64>(Memory.STATE, State.FRAME_MASK);
}

/** Address bits beyond the part's, which must be zero; the C-bit is none of them where it means something. */
export function reservedBits(encryptable: bool): u64 {
  const all = (mask(Pte.FRAME_LSB + Pte.FRAME_WIDTH) - 1) & ~OFFSET & ~frameMask();
  return encryptable ? all & ~cBit() : all;
}

/** Whether a pointer, its C-bit left out, is within the part's physical address width. Low bits mean other things. */
export function isAddress(pointer: u64): bool {
  return (pointer & ~cBit() & ~(frameMask() | OFFSET)) == 0;
}

/** The key a page is open under for the host, by the C-bit of the entry that names it. */
export function hostKeyOf(entry: u64): u32 {
  return entry & cBit() ? 0 : Frame.RAW;
}

/** The key of the last walked page for the guest: its own where it says private, else what the host's entry says. */
export function walkedKey(): u32 {
  return isSev() && isPrivate ? load<u32>(Memory.VCPU, Vcpu.ASID) : hostKey;
}

/** The whole walk. True when `gpa`, `spa` and the key are known and the access is allowed. */
export function walk(gva: u64, need: u64): bool {
  const found = isOff() ? walkFollowed(gva, need) : walkRemembered(gva, need, vcpuTag());
  if (found) {
    foundPage(found);
    countWhole();
    return true;
  }
  count(Events.WALKS, 1);
  countChecks(1);
  if (!mayRun()) return vmexit(Exit.VMEXIT_INVALID, 0, 0);
  if (!walkGuest(gva, need) || !walkNested(gpa, need, isPrivate, Exit.FINAL_BIT)) {
    at(gva, gpa);
    return false;
  }
  return true;
}

/** What a walk without steps found: a private page of 4 KiB, whose key is the guest's. */
export function foundPrivate(address: u64): void {
  gpa = address;
  isPrivate = true;
  isDevice = false;
}

/** Counts a walk through four tables of the guest's. */
export function countWhole(): void {
  count(Events.WALKS, 1);
  count(Events.RMP_CHECKS, 5);
}

/** One RMP check per TLB fill and per guest-table read. */
function countChecks(checks: u64): void {
  if (isEnabled()) count(Events.RMP_CHECKS, checks);
}

/** The guest's tables: sets gpa, isPrivate and isGuestLarge. Each entry is read through the nested walk. */
export function walkGuest(gva: u64, need: u64): bool {
  accessed = gva;
  gpa = 0;
  if (!isCanonical(gva)) return exception(Exit.GP, 0, gva);
  isPrivate = isSev();
  isGuestLarge = true;
  if (!mode(Vcpu.PAGING_BIT)) {
    // Without paging every access is private. APM vol. 2, 15.34.5.
    gpa = gva;
    return true;
  }
  const frames = frameMask();
  const reserved = reservedBits(isSev());
  let table = load<u64>(Memory.VCPU, Vcpu.CR3) & frames;
  let granted: u64 = ~u64(0);
  let noExecute: u64 = 0;
  let level: u64 = 3;
  let row = findTable(GUEST, gva);
  if (row) {
    level = levelOf(row);
    table = load<u64>(row, Row.GPA);
    granted = grantedOf(row);
    noExecute = noExecuteOf(row);
    // As if the tables above had been read: a remembered walk changes no counter.
    countChecks(3 - level);
  }
  for (; true; level--) {
    const entryGpa = table + (((gva >> (12 + 9 * level)) & 511) << 3);
    if (row) {
      countChecks(1);
      entryRead = load<u64>(bytesOf(load<u32>(row, Row.FRAME)) + (usize(entryGpa) & OFFSET));
      row = 0;
    } else {
      if (!readEntry(entryGpa, gva, level)) return false;
      if (level < u64(Row.LEVELS)) {
        rememberTable(GUEST, level, gva, table, tableFrame, granted, noExecute);
      }
    }
    const entry = entryRead;
    if (level && (entry & (POINTER_BITS | reserved)) == FOLLOWED) {
      granted &= entry;
      noExecute |= entry;
      table = entry & frames;
      continue;
    }
    if (!bit(entry, Pte.PRESENT_BIT)) return guestFault(gva, need, 0);
    const large = bit(entry, Pte.LARGE_BIT) && level > 0;
    if (isReserved(entry, level, large, reserved)) {
      return guestFault(gva, need, mask(Exit.PRESENT_BIT) | mask(Exit.RESERVED_BIT));
    }
    granted &= entry;
    noExecute |= entry;
    const leaf = level == 0 || large;
    if (leaf && !allows(granted, noExecute, need)) {
      return guestFault(gva, need, mask(Exit.PRESENT_BIT));
    }
    if (!noteEntry(entryGpa, entry, leaf && need == WRITE)) return false;
    table = entry & frames;
    if (!leaf) continue;
    const within = large ? LARGE_OFFSET : u64(OFFSET);
    gpa = (table & ~within) | (gva & within);
    // A fetch is private whatever the C-bit says. APM vol. 2, 15.34.5.
    isPrivate = isSev() && (need == FETCH || (entry & cBit()) != 0);
    isGuestLarge = large;
    return true;
  }
}

/** Whether an entry has a bit set that must be zero. 1 GiB pages are not modelled. */
export function isReserved(entry: u64, level: u64, large: bool, reserved: u64): bool {
  if (entry & reserved) return true;
  if (!large) return false;
  // Bit 12 of a large entry is PAT.
  return level > 1 || (entry & (LARGE_OFFSET & ~u64(0x1fff))) != 0;
}

function allows(granted: u64, noExecute: u64, need: u64): bool {
  if (need == WRITE && !bit(granted, Pte.WRITE_BIT)) return false;
  if (need == FETCH && bit(noExecute, Pte.NX_BIT)) return false;
  return !isUser() || bit(granted, Pte.USER_BIT);
}

function guestFault(gva: u64, need: u64, error: u64): bool {
  gpa = 0;
  return exception(Exit.PF, error | kindBits(need) | (u64(isUser()) << Exit.USER_BIT), gva);
}

export function kindBits(need: u64): u64 {
  return (u64(need == WRITE) << Exit.WRITE_BIT) | (u64(need == FETCH) << Exit.FETCH_BIT);
}

// What readEntry read, in which table.
let entryRead: u64 = 0;
let tableFrame: u32 = 0;

/** Reads a guest table entry. The guest's tables are always private. */
function readEntry(entryGpa: u64, gva: u64, level: u64): bool {
  countChecks(1);
  if (!walkNested(entryGpa, READ, isSev(), Exit.TABLE_BIT)) return false;
  tableFrame = openTable(pageOf(spa), guestTableKey(), guestRole(level, gva));
  if (!tableFrame) return false;
  entryRead = load<u64>(bytesOf(tableFrame) + (usize(spa) & OFFSET));
  return true;
}

function guestTableKey(): u32 {
  return isSev() ? load<u32>(Memory.VCPU, Vcpu.ASID) : hostKey;
}

/** Sets accessed, and dirty where the leaf is written: a write of the guest's own walker to its table. */
function noteEntry(entryGpa: u64, entry: u64, written: bool): bool {
  const noted = entry | mask(Pte.ACCESSED_BIT) | (u64(written) << Pte.DIRTY_BIT);
  if (noted == entry) return true;
  if (!walkNested(entryGpa, WRITE, isSev(), Exit.TABLE_BIT)) return false;
  const frame = open(pageOf(spa), guestTableKey());
  if (!frame) return false;
  store<u64>(bytesOf(frame) + (usize(spa) & OFFSET), noted);
  markDirty(frame, u32(spa) & OFFSET, Pte.SIZE);
  return true;
}

/** The host's tables and the RMP: sets gpa, spa, isNestedLarge and the host's key. `stage` says what was walked for. */
export function walkNested(address: u64, need: u64, enc: bool, stage: i32): bool {
  gpa = address;
  const error = mask(Exit.USER_BIT) | kindBits(need) | mask(stage) | (u64(enc) << Exit.ENC_BIT);
  const failure = walkHost(address, need);
  isDevice = failure == DEVICE && stage == Exit.FINAL_BIT && need != FETCH;
  if (failure && !isDevice) {
    return failure == NO_FRAME ? false : npf(error | errorOf(failure), address);
  }
  if (!isEnabled()) return true;
  const page = pageOf(spa);
  const present = error | mask(Exit.PRESENT_BIT);
  if (isSnp() && enc) return checkPrivate(page, address, need, present);
  if (need != WRITE || isHypervisorOwned(page, isNestedLarge)) return true;
  return npf(present | mask(Exit.RMP_BIT), address);
}

function checkPrivate(page: u32, address: u64, need: u64, present: u64): bool {
  const asid = load<u32>(Memory.VCPU, Vcpu.ASID);
  const vmpl = load<u32>(Memory.VCPU, Vcpu.VMPL);
  const owned = ownedBy(asid, isNestedLarge);
  const verdict = checkAs(page, address, owned, vmpl, wanted(need, isUser()));
  if (verdict == ALLOWED) return true;
  if (verdict == NOT_VALIDATED) return exception(Exit.VC, Exit.PAGE_NOT_VALIDATED, accessed);
  return npf(present | verdict, address);
}
