// The host's half of the walk: its four levels of tables, from a guest or device physical address to a system physical one.
// APM vol. 2, 15.25.
import * as Exit from "../ts/abi/exit";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Nested from "../ts/abi/nested-tlb";
import * as Pte from "../ts/abi/pte";
import * as Row from "../ts/abi/table-cache";
import * as Vcpu from "../ts/abi/vcpu";
import { bit, mask, OFFSET, pageOf, PAGE_SHIFT } from "./address";
import { nestedRole, openTable } from "./dependent";
import { bytesOf, infoOf, isDram, isMmio } from "./dram";
import { markDirty } from "./page";
import { isEnabled, isHypervisorOwned } from "./rmp";
import { FETCH, vcpuTag, WRITE } from "./tlb";
import {
  cBit,
  FOLLOWED,
  frameMask,
  isReserved,
  LARGE_OFFSET,
  POINTER_BITS,
  reservedBits,
} from "./walk";
import {
  findNested,
  findTable,
  grantedOf,
  HOST,
  levelOf,
  noExecuteOf,
  rememberNested,
  rememberTable,
  walkTag,
} from "./walk-cache";

const TOP: u64 = 3;

// What the last walk found. Nothing else writes them.
/** Where the page is in system memory, whether its nested mapping is 2 MiB, and the key that the host's entry names. */
export let spa: u64 = 0;
export let isNestedLarge: bool = false;
export let hostKey: u32 = 0;

// What a walk answers when it found no memory: FAILED with the error bits of the fault, or NO_FRAME.
const FAILED: u64 = u64(1) << 63;
export const NO_FRAME: u64 = u64.MAX_VALUE;
const NOT_PRESENT: u64 = FAILED;
const NOT_ALLOWED: u64 = FAILED | (u64(1) << Exit.PRESENT_BIT);
const MALFORMED: u64 = NOT_ALLOWED | (u64(1) << Exit.RESERVED_BIT);
const NOT_OWNED: u64 = NOT_ALLOWED | (u64(1) << Exit.RMP_BIT);
/** Sets spa, for it is registers: a fault like any address beyond memory to those who have no business there. */
export const DEVICE: u64 = MALFORMED | (u64(1) << 62);

/** The error bits of a nested page fault. */
export function errorOf(failure: u64): u64 {
  return failure & ~(FAILED | (u64(1) << 62));
}

/** The running vCPU's nested walk, remembered or walked: 0, or why not. The RMP is not asked. */
export function walkHost(address: u64, need: u64): u64 {
  const root = load<u64>(Memory.VCPU, Vcpu.NCR3);
  const row = findNested(address, need, walkTag(vcpuTag()));
  if (row) {
    const flags = u64(load<u32>(row, Nested.FLAGS));
    spa = (u64(load<u32>(row, Nested.PAGE)) << PAGE_SHIFT) | (address & OFFSET);
    isNestedLarge = bit(flags, Nested.LARGE_BIT);
    hostKey = bit(flags, Nested.ENCRYPTED_BIT) ? 0 : Frame.RAW;
    return 0;
  }
  const failure = walkDown(root, address, need, true);
  if (failure) return failure;
  const encrypted = u32(hostKey != Frame.RAW) << Nested.ENCRYPTED_BIT;
  const flags = encrypted | (u32(isNestedLarge) << Nested.LARGE_BIT);
  rememberNested(address, need, walkTag(vcpuTag()), pageOf(spa), flags);
  return 0;
}

/** The walk from any root, nothing remembered: 0, or why not. */
export function walkTables(root: u64, address: u64, need: u64): u64 {
  return walkDown(root, address, need, false);
}

/** Each table is opened under the key that the entry above it names. */
function walkDown(root: u64, address: u64, need: u64, remembers: bool): u64 {
  const frames = frameMask();
  const c = cBit();
  const reserved = reservedBits(true);
  if (address & ~(frames | OFFSET)) return MALFORMED;
  let above = root;
  let granted: u64 = ~u64(0);
  let noExecute: u64 = 0;
  let level: u64 = TOP;
  let row: usize = remembers ? findTable(HOST, address) : 0;
  if (row) {
    level = levelOf(row);
    granted = grantedOf(row);
    noExecute = noExecuteOf(row);
  }
  for (; true; level--) {
    let page: u32;
    let frame: u32;
    if (row) {
      frame = load<u32>(row, Row.FRAME);
      page = load<u32>(infoOf(frame), Frame.PAGE);
      row = 0;
    } else {
      page = pageOf(above & frames);
      frame = openTable(page, above & c ? 0 : Frame.RAW, nestedRole(level, address));
      if (!frame) return isDram(page) ? NO_FRAME : MALFORMED;
      if (level < u64(Row.LEVELS) && remembers) {
        rememberTable(HOST, level, address, 0, frame, granted, noExecute);
      }
    }
    const offset = u32((address >> (12 + 9 * level)) & 511) << 3;
    const entry = load<u64>(bytesOf(frame) + offset);
    if (level && (entry & (POINTER_BITS | reserved)) == FOLLOWED) {
      granted &= entry;
      noExecute |= entry;
      above = entry;
      continue;
    }
    if (!bit(entry, Pte.PRESENT_BIT)) return NOT_PRESENT;
    const large = bit(entry, Pte.LARGE_BIT) && level > 0;
    if (isReserved(entry, level, large, reserved)) return MALFORMED;
    granted &= entry;
    noExecute |= entry;
    const leaf = level == 0 || large;
    if (leaf && !allowsNested(granted, noExecute, need)) return NOT_ALLOWED;
    if (!noteNested(page, frame, offset, entry, leaf && need == WRITE)) return NOT_OWNED;
    above = entry;
    if (!leaf) continue;
    const within = large ? LARGE_OFFSET : u64(OFFSET);
    spa = (entry & frames & ~within) | (address & within);
    isNestedLarge = large;
    hostKey = entry & c ? 0 : Frame.RAW;
    if (isDram(pageOf(spa))) return 0;
    return isMmio(pageOf(spa)) ? DEVICE : MALFORMED;
  }
}

/** Where a walk came to that needed no steps. */
export function foundPage(address: u64): void {
  spa = address;
}

/** The key that the host's entry of the last walked page names. */
export function nestedKey(): u32 {
  return hostKey;
}

/** Every nested access is a user access. APM vol. 2, 15.25.5. */
function allowsNested(granted: u64, noExecute: u64, need: u64): bool {
  if (!bit(granted, Pte.USER_BIT)) return false;
  if (need == WRITE && !bit(granted, Pte.WRITE_BIT)) return false;
  return need != FETCH || !bit(noExecute, Pte.NX_BIT);
}

/** Sets accessed and dirty in the host's table. False where the table is not the hypervisor's. */
function noteNested(page: u32, frame: u32, offset: u32, entry: u64, written: bool): bool {
  const noted = entry | mask(Pte.ACCESSED_BIT) | (u64(written) << Pte.DIRTY_BIT);
  if (noted == entry) return true;
  if (isEnabled() && !isHypervisorOwned(page, false)) return false;
  store<u64>(bytesOf(frame) + offset, noted);
  markDirty(frame, offset, Pte.SIZE);
  return true;
}
