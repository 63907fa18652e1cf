// The reverse map: who owns each page of system memory, and the check that every walk ends in.
// APM vol. 2, 15.36.3 to 15.36.10; spec digest rmp.md 2 and 5.
import * as Exit from "../ts/abi/exit";
import * as Memory from "../ts/abi/memory";
import * as Rmp from "../ts/abi/rmp";
import * as State from "../ts/abi/state";
import * as Tlb from "../ts/abi/tlb";
import { bit, field, LARGE_PAGES, LARGE_SHIFT, mask, OFFSET, PAGE_SHIFT } from "./address";
import { bytesOf, isDram, isMmio } from "./dram";
import { forgetLarge, forgetPage, makeDram, settle } from "./page";
import { coveredBy, isCovered, LEAF_PAGES, LEAF_SHIFT, rmpPageOf } from "./rmp-table";
import { FETCH, flushTlb, READ, WRITE } from "./tlb";

const REGION_SHIFT = LARGE_SHIFT - PAGE_SHIFT;
/** log2 of the bytes that the root has for the leaves of a region of 2 MiB. */
const REGION_LEAVES = REGION_SHIFT - LEAF_SHIFT + 2;
const HEAD_MASK: u32 = ~(LARGE_PAGES - 1);
const COUNT_MASK: u64 = ((u64(1) << Rmp.SUBPAGE_COUNT_WIDTH) - 1) << Rmp.SUBPAGE_COUNT_LSB;

/** What `check` answers beside the error bits of a nested page fault. */
export const ALLOWED: u64 = 0;
export const NOT_VALIDATED: u64 = 1;

const REFUSED: u64 = u64(1) << Exit.RMP_BIT;
/** An assigned entry of 2 MiB. */
const LARGE: u64 = (u64(1) << Rmp.ASSIGNED_BIT) | (u64(1) << Rmp.PAGE_SIZE_BIT);

/** Whether SNP is enabled on the machine: SYSCFG.SecureNestedPagingEn and an initialised RMP. */
export function isEnabled(): bool {
  return load<u32>(Memory.STATE, State.SNP_ENABLED) != 0;
}

/** Whether the part has an instruction: a bit of CPUID Fn8000_001F EAX. */
export function hasFeature(position: i32): bool {
  return bit(u64(load<u32>(Memory.STATE, State.RMP_FEATURES)), position);
}

/** Leaves of memory come first, then those of the MMIO window. */
function leafOf(page: u32): usize {
  let leaf = page >> LEAF_SHIFT;
  if (!isDram(page)) {
    const first = load<u32>(Memory.STATE, State.MMIO_FIRST);
    const dram = load<u32>(Memory.STATE, State.DRAM_PAGES);
    leaf = ((dram + LEAF_PAGES - 1) >> LEAF_SHIFT) + ((page - first) >> LEAF_SHIFT);
  }
  return rootOf() + (usize(leaf) << 2);
}

/** The entry of a page, or 0: an absent leaf, or a page that is not covered, reads as hypervisor-owned. */
export function entryOf(page: u32): usize {
  if (!isDram(page) && !isMmio(page)) return 0;
  const leaf = load<u32>(leafOf(page));
  return leaf ? bytesOf(leaf) + (usize(page & (LEAF_PAGES - 1)) << 4) : 0;
}

/** The entry of a covered page, made if need be; 0 when out of frames. The leaf is what DRAM holds of a page of the RMP. */
export function makeEntry(page: u32): usize {
  const at = leafOf(page);
  if (!load<u32>(at)) {
    const leaf = makeDram(rmpPageOf(page));
    if (!leaf) return 0;
    store<u32>(at, leaf);
  }
  return entryOf(page);
}

/** Where a page's entry can be read: among the zeros of frame 0 where there is none. */
function placeOf(page: u32): usize {
  return isDram(page) ? placeIn(rootOf(), page) : entryOf(page);
}

/** The same of a page of memory, from the RMP's root. */
function placeIn(root: usize, page: u32): usize {
  const leaf = load<u32>(root + (usize(page >> LEAF_SHIFT) << 2));
  return bytesOf(leaf) + (usize(page & (LEAF_PAGES - 1)) << 4);
}

/** The low quadword of a page's entry. */
export function lowOf(page: u32): u64 {
  return load<u64>(placeOf(page));
}

/** The high quadword of a page's entry: permissions, a byte per VMPL. */
export function highOf(page: u32): u64 {
  return load<u64>(placeOf(page), Rmp.HIGH);
}

/** The first page of the 2 MiB region that holds a page. */
export function headOf(page: u32): u32 {
  return page & HEAD_MASK;
}

/** The page whose entry governs: the region's first if that is a 2 MiB entry, else the page itself. */
export function governing(page: u32): u32 {
  return (lowOf(headOf(page)) & LARGE) == LARGE ? headOf(page) : page;
}

export function asidOf(low: u64): u32 {
  return u32(field(low, Rmp.ASID_LSB, Rmp.ASID_WIDTH));
}

export function gpaOf(low: u64): u64 {
  return field(low, Rmp.GPA_LSB, Rmp.GPA_WIDTH) << PAGE_SHIFT;
}

export function subpagesOf(low: u64): u32 {
  return u32(field(low, Rmp.SUBPAGE_COUNT_LSB, Rmp.SUBPAGE_COUNT_WIDTH));
}

/** Permissions of a newly assigned page: VMPL0 everything the part has, the others nothing. */
export function firstPermissions(): u64 {
  return u64(load<u32>(Memory.STATE, State.VMPL_FULL));
}

/** What an entry allows a VMPL. */
export function permissionsOf(page: u32, vmpl: u32): u32 {
  return u32(field(highOf(page), i32(vmpl * Rmp.VMPL_WIDTH), Rmp.VMPL_WIDTH));
}

/** Whether a running vCPU holds the page as its VMCB, VMSA or AVIC page. */
export function isInUse(page: u32): bool {
  return bit(lowOf(page), Rmp.LOCK_BIT);
}

/** VMRUN marks the pages it runs on, #VMEXIT takes the marks away: in between, host stores, the guest's private accesses
 *  and RMPUPDATE meet them. A page without an entry has no
 *  mark. False when no frame is left for the entry. APM vol. 2, 15.36.12; spec digest rmp.md 6. */
export function setInUse(page: u32, inUse: bool): bool {
  if (!isEnabled()) return true;
  if (!isCovered(page)) return true;
  const entry = inUse ? makeEntry(page) : entryOf(page);
  if (!entry) return !inUse;
  if (inUse) forgetPage(page);
  settle(rmpPageOf(page));
  const low = load<u64>(entry) & ~mask(Rmp.LOCK_BIT);
  store<u64>(entry, low | (u64(inUse) << Rmp.LOCK_BIT));
  return true;
}

/** Writes an entry, and keeps what hangs on it: the region's count of assigned subpages and the ASID's of validated pages. */
export function put(page: u32, low: u64, high: u64): void {
  // Walks through 2 MiB mappings may write because nothing of the region was assigned.
  if (bit(low, Rmp.ASSIGNED_BIT) && isHypervisorOwned(page, true)) forgetLarge(page);
  // Whoever has read this page of the RMP reads it anew.
  settle(rmpPageOf(page));
  const entry = entryOf(page);
  const old = load<u64>(entry);
  countValidated(old, -1);
  countValidated(low, 1);
  const head = entryOf(headOf(page));
  if (entry != head) {
    settle(rmpPageOf(headOf(page)));
    const change = i64(bit(low, Rmp.ASSIGNED_BIT)) - i64(bit(old, Rmp.ASSIGNED_BIT));
    const first = load<u64>(head);
    const counted = (first + u64(change << Rmp.SUBPAGE_COUNT_LSB)) & COUNT_MASK;
    store<u64>(head, (first & ~COUNT_MASK) | counted);
    store<u64>(entry, low & ~COUNT_MASK);
  } else {
    store<u64>(entry, (low & ~COUNT_MASK) | (old & COUNT_MASK));
  }
  store<u64>(entry, high, Rmp.HIGH);
}

function countValidated(low: u64, change: i64): void {
  if (!bit(low, Rmp.VALIDATED_BIT)) return;
  const counter = Memory.ASID_COUNTERS + (usize(asidOf(low)) << 3);
  store<i64>(counter, load<i64>(counter) + change);
}

/** Before the chips change under a page of the RMP, and after: its validated entries leave the counts, then enter them, and no
 *  remembered walk stays. False when no frame is left. Nothing happens for other pages. */
export function probeRmp(rmpPage: u32, change: i64): bool {
  const page = isEnabled() ? coveredBy(rmpPage) : 0;
  if (!isEnabled() || !isCovered(page)) return true;
  if (!makeEntry(page)) return false;
  for (let i: u32 = 0; i < LEAF_PAGES; i++) countValidated(lowOf(page + i), change);
  flushTlb();
  return true;
}

/** How many validated entries name an ASID: while there is one, the ASID is owned. */
export function validatedOf(asid: u32): u64 {
  return load<u64>(Memory.ASID_COUNTERS + (usize(asid) << 3));
}

/** Whether a page (or the 2 MiB from it on) is the hypervisor's to write: nothing in it is assigned, nor the page in use. */
export function isHypervisorOwned(page: u32, large: bool): bool {
  if (lowOf(governing(page)) & (mask(Rmp.ASSIGNED_BIT) | mask(Rmp.LOCK_BIT))) return false;
  if (!large) return true;
  const head = lowOf(headOf(page));
  return !bit(head, Rmp.ASSIGNED_BIT) && subpagesOf(head) == 0;
}

/** Steps 1 to 5: covered, assigned to the ASID, mapped at this GPA, neither immutable nor locked, of the nested mapping's size. */
export function checkOwner(page: u32, gpa: u64, asid: u32, large: bool): u64 {
  // An entry that is not there (not covered, beyond memory) is not assigned.
  const owner = governing(page);
  const low = lowOf(owner);
  if (!bit(low, Rmp.ASSIGNED_BIT) || asidOf(low) != asid) return REFUSED;
  if ((gpa & ~OFFSET) != gpaOf(low) + (u64(page - owner) << PAGE_SHIFT)) return REFUSED;
  if (low & (mask(Rmp.IMMUTABLE_BIT) | mask(Rmp.LOCK_BIT))) return REFUSED;
  if (bit(low, Rmp.PAGE_SIZE_BIT) != large) return REFUSED | mask(Exit.SIZEM_BIT);
  return ALLOWED;
}

/** The check of a private access: ALLOWED, NOT_VALIDATED (a #VC), or the RMP bits of a nested page fault. */
export function check(
  page: u32,
  gpa: u64,
  asid: u32,
  vmpl: u32,
  user: bool,
  need: u64,
  large: bool,
): u64 {
  return checkAs(page, gpa, ownedBy(asid, large), vmpl, wanted(need, user));
}

/** The entry that allows a page at gpa 0 to an ASID, but for permissions. */
export function ownedBy(asid: u32, large: bool): u64 {
  return (u64(asid) << Rmp.ASID_LSB) | (u64(large) << Rmp.PAGE_SIZE_BIT) | GOOD;
}

/** As check, of what an entry must say and what it must permit. Five parameters: as many as V8 passes in registers. */
export function checkAs(page: u32, gpa: u64, owned: u64, vmpl: u32, wants: u32): u64 {
  if (isDram(page)) {
    const head = placeIn(rootOf(), headOf(page));
    const large = (load<u64>(head) & LARGE) == LARGE;
    const entry = large ? head : placeIn(rootOf(), page);
    const within = large ? u64(page & ~HEAD_MASK) << PAGE_SHIFT : 0;
    const says = ((gpa & ~OFFSET) - within) | owned;
    if (!(gpa >> Rmp.ASID_LSB) && !against(entry, says, vmpl, wants)) return ALLOWED;
  }
  return verdict(page, gpa, owned, vmpl, wants);
}

/** What speaks against a page of memory being allowed by an entry of its own: 0 mostly. Without a call or a branch, and small
 *  enough to become part of the loops that ask. The gpa has no more bits than an entry has room for. */
export function againstOwn(
  root: usize,
  page: u32,
  gpa: u64,
  owned: u64,
  vmpl: u32,
  wants: u32,
): u64 {
  // A region's first entry is the first of a leaf.
  const head = load<u64>(bytesOf(load<u32>(root + (usize(page >> REGION_SHIFT) << REGION_LEAVES))));
  const isLarge = (head >> Rmp.ASSIGNED_BIT) & (head >> Rmp.PAGE_SIZE_BIT) & 1;
  return against(placeIn(root, page), (gpa & ~OFFSET) | owned, vmpl, wants) | isLarge;
}

function against(entry: usize, says: u64, vmpl: u32, wants: u32): u64 {
  const granted: u32 = load<u8>(entry + vmpl, Rmp.HIGH);
  return ((load<u64>(entry) ^ says) & DECIDES) | u64(wants & ~granted);
}

/** Where the addresses of the RMP's leaves are. */
export function rootOf(): usize {
  return load<u32>(Memory.STATE, State.RMP_ROOT);
}

/** The check step by step: what is wrong. */
export function verdict(page: u32, gpa: u64, owned: u64, vmpl: u32, wants: u32): u64 {
  const owner = checkOwner(page, gpa, asidOf(owned), bit(owned, Rmp.PAGE_SIZE_BIT));
  if (owner != ALLOWED) return owner;
  const entry = governing(page);
  if (!bit(lowOf(entry), Rmp.VALIDATED_BIT)) return NOT_VALIDATED;
  const granted: u32 = load<u8>(placeOf(entry) + vmpl, Rmp.HIGH);
  return wants & ~granted ? REFUSED | mask(Exit.VMPL_BIT) : ALLOWED;
}

// The entry that allows a page, in one comparison: all its bits but the region's count and the VMSA's.
const DECIDES: u64 = ~(COUNT_MASK | (u64(1) << Rmp.VMSA_BIT));
const GOOD: u64 = (u64(1) << Rmp.ASSIGNED_BIT) | (u64(1) << Rmp.VALIDATED_BIT);

// The permission bits an access needs, by READ, WRITE and FETCH, four bits each. Write without read is no permission at all.
// APM vol. 2, 15.36.7.
const DATA: u32 =
  (1 << (Rmp.PERMISSION_READ_BIT + (4 << Tlb.READ_BIT))) |
  (((1 << Rmp.PERMISSION_READ_BIT) | (1 << Rmp.PERMISSION_WRITE_BIT)) << (4 << Tlb.WRITE_BIT));
const KERNEL: u32 = DATA | (1 << (Rmp.PERMISSION_EXECUTE_SUPERVISOR_BIT + (4 << Tlb.FETCH_BIT)));
const USER: u32 = DATA | (1 << (Rmp.PERMISSION_EXECUTE_USER_BIT + (4 << Tlb.FETCH_BIT)));

/** The permissions that an access needs. */
export function wanted(need: u64, user: bool): u32 {
  assert(need == READ || need == WRITE || need == FETCH);
  return ((user ? USER : KERNEL) >> (u32(need) << 2)) & 15;
}
