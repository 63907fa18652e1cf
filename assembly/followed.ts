// The whole walk from the root where all is as it mostly is: an SNP guest's private page of 4 KiB, through tables that are open,
// marked, and followed before. It makes no call, so that V8 keeps it in registers (docs/performance.md, "An access"). Whatever is
// not so, it leaves to the walk step by step (walk.ts), having changed nothing.
import * as Directory from "../ts/abi/directory";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Pte from "../ts/abi/pte";
import * as Rmp from "../ts/abi/rmp";
import * as Slot from "../ts/abi/slot";
import * as State from "../ts/abi/state";
import * as Vcpu from "../ts/abi/vcpu";
import { canonical, mask, OFFSET, PAGE_SHIFT } from "./address";
import { guestRole, nestedRole } from "./dependent";
import { bytesOf, FRAME, keyOf, openOf } from "./dram";
import { isEnabled, againstOwn, ownedBy, rootOf, wanted } from "./rmp";
import { slotState } from "./slots";
import { FETCH, READ, WRITE } from "./tlb";
import { cBit, foundPrivate, frameMask, reservedBits } from "./walk";

const TOP: u64 = 3;
const LEVEL: u32 = 1 << Directory.LEVEL_LSB;
const MODES: u32 = (1 << Vcpu.PAGING_BIT) | (1 << Vcpu.SEV_BIT) | (1 << Vcpu.SEV_SNP_BIT);

/** The bits of an entry that are set if all is well, of those that matter. */
export const SET: u64 =
  (u64(1) << Pte.PRESENT_BIT) |
  (u64(1) << Pte.WRITE_BIT) |
  (u64(1) << Pte.USER_BIT) |
  (u64(1) << Pte.ACCESSED_BIT) |
  (u64(1) << Pte.DIRTY_BIT);

/** The bits that matter of each entry on the way to a page: it has been followed before, and grants the access. */
export function deciding(need: u64, user: bool): u64 {
  return (u64(1) << Pte.PRESENT_BIT) | (u64(1) << Pte.ACCESSED_BIT) | rights(need, user);
}

/** Those that grant it. */
export function rights(need: u64, user: bool): u64 {
  return (
    (u64(need == WRITE) << Pte.WRITE_BIT) |
    (u64(user) << Pte.USER_BIT) |
    (u64(need == FETCH) << Pte.NX_BIT)
  );
}

/** Walks to the page and its verdict: where the access is in memory. 0: nothing happened. */
export function walkFollowed(gva: u64, need: u64): u64 {
  if (unusual(gva)) return 0;
  const frames = frameMask();
  // No gpa has more bits than an RMP entry has room for.
  if (frames >> Rmp.ASID_LSB) return 0;
  const c = cBit();
  const reserved = reservedBits(true);
  const pages = u64(load<u32>(Memory.STATE, State.DRAM_PAGES));
  const rmp = rootOf();
  const asid = load<u32>(Memory.VCPU, Vcpu.ASID);
  const vmpl = load<u32>(Memory.VCPU, Vcpu.VMPL);
  const user = load<u32>(Memory.VCPU, Vcpu.CPL) == 3;
  const owned = ownedBy(asid, false);
  const root = load<u64>(Memory.VCPU, Vcpu.NCR3);
  const dirty = u64(need == WRITE) << Pte.DIRTY_BIT;
  const guestLeaf = deciding(need, user) | reserved | dirty;
  const guestPointer = deciding(need, user) | reserved | mask(Pte.LARGE_BIT);

  let nestedLeaf = deciding(READ, true) | reserved;
  let nestedPointer = nestedLeaf | mask(Pte.LARGE_BIT);
  let wants = wanted(READ, user);
  let role = guestRole(TOP, gva);
  let shift: u64 = 12 + 9 * TOP;
  let address = (load<u64>(Memory.VCPU, Vcpu.CR3) & frames) | offsetOf(gva, shift);
  while (true) {
    const found = follow(root, address, nestedPointer, nestedLeaf, frames, c, pages);
    if (!found) return 0;
    if ((found & frames) >> PAGE_SHIFT >= pages) return 0;
    const page = u32((found & frames) >> PAGE_SHIFT);
    if (againstOwn(rmp, page, address, owned, vmpl, wants)) return 0;
    if (!shift) {
      foundPrivate(address);
      return (found & frames) | (address & OFFSET);
    }
    const frame = openOf(page) - role;
    if (frame - 1 >= FRAME) return 0;
    if (keyOf(frame) != asid) return 0;
    const entry = load<u64>(bytesOf(frame) + (usize(address) & OFFSET));
    if (shift != PAGE_SHIFT) {
      if ((entry ^ SET) & guestPointer) return 0;
      role = shift == 21 ? guestRole(0, gva) : role - LEVEL;
      shift -= 9;
      address = (entry & frames) | offsetOf(gva, shift);
    } else {
      if ((entry ^ SET) & guestLeaf) return 0;
      if (!(entry & c)) return 0;
      shift = 0;
      address = (entry & frames) | (gva & OFFSET);
      nestedLeaf = deciding(need, true) | reserved | dirty;
      nestedPointer = deciding(need, true) | reserved | mask(Pte.LARGE_BIT);
      wants = wanted(need, user);
    }
  }
}

/** Where the entry of an address is in a table. */
export function offsetOf(address: u64, shift: u64): u64 {
  return ((address >> shift) & 511) << 3;
}

/** 0 where an SNP guest runs that has paging, and may have that address. */
export function unusual(gva: u64): u64 {
  const mode = (load<u32>(Memory.VCPU, Vcpu.MODE) & MODES) ^ MODES;
  const slot = slotState(load<u32>(Memory.VCPU, Vcpu.ASID)) ^ Slot.ACTIVE;
  return (canonical(gva) ^ gva) | u64(mode | slot | u32(!isEnabled()));
}

/** The nested entry that maps an address; 0 when not all is as it mostly is. */
function follow(
  root: u64,
  address: u64,
  pointer: u64,
  leaf: u64,
  frames: u64,
  c: u64,
  pages: u64,
): u64 {
  const top = entryIn(root, address >> 39, nestedRole(3, 0), frames, c, pages);
  if ((top ^ SET) & pointer) return 0;
  const upper = entryIn(top, address >> 30, nestedRole(2, 0), frames, c, pages);
  if ((upper ^ SET) & pointer) return 0;
  const lower = entryIn(upper, address >> 21, nestedRole(1, 0), frames, c, pages);
  if ((lower ^ SET) & pointer) return 0;
  const entry = entryIn(lower, address >> 12, nestedRole(0, address), frames, c, pages);
  return (entry ^ SET) & leaf ? 0 : entry;
}

/** An entry of the nested table that the one above it names; 0 when that is not open in its role. */
function entryIn(above: u64, index: u64, role: u32, frames: u64, c: u64, pages: u64): u64 {
  const page = (above & frames) >> PAGE_SHIFT;
  if (page >= pages) return 0;
  const frame = openOf(u32(page)) - role;
  if (frame - 1 >= FRAME) return 0;
  if (keyOf(frame) != (above & c ? 0 : u32(Frame.RAW))) return 0;
  return load<u64>(bytesOf(frame) + (usize(index & 511) << 3));
}
