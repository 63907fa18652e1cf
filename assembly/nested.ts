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
import { mark, nestedRole } from "./dependent";
import { bytesOf, infoOf, isDram, isMmio, makeDirectoryEntry } from "./dram";
import { markDirty, openAt } from "./page";
import { isEnabled, isHypervisorOwned } from "./rmp";
import { FETCH, WRITE } from "./tlb";
import { frameMask, hostKeyOf, isReserved, LARGE_OFFSET } from "./walk";
import {
  findNested,
  findTable,
  grantedOf,
  HOST,
  noExecuteOf,
  rememberNested,
  rememberTable,
} from "./walk-cache";

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
  const row = findNested(address, need);
  if (row) {
    const flags = u64(load<u32>(row, Nested.FLAGS));
    spa = (u64(load<u32>(row, Nested.PAGE)) << PAGE_SHIFT) | (address & OFFSET);
    isNestedLarge = bit(flags, Nested.LARGE_BIT);
    hostKey = bit(flags, Nested.ENCRYPTED_BIT) ? 0 : Frame.RAW;
    return 0;
  }
  const failure = walkDown(load<u64>(Memory.VCPU, Vcpu.NCR3), address, need, true);
  if (failure) return failure;
  const encrypted = u32(hostKey != Frame.RAW) << Nested.ENCRYPTED_BIT;
  const flags = encrypted | (u32(isNestedLarge) << Nested.LARGE_BIT);
  rememberNested(address, need, pageOf(spa), flags);
  return 0;
}

/** The walk from any root, nothing remembered: 0, or why not. */
export function walkTables(root: u64, address: u64, need: u64): u64 {
  return walkDown(root, address, need, false);
}

/** Each table is opened under the key that the entry above it names. */
function walkDown(root: u64, address: u64, need: u64, remembers: bool): u64 {
  const frames = frameMask();
  if (address & ~(frames | OFFSET)) return MALFORMED;
  let above = root;
  let granted: u64 = ~u64(0);
  let noExecute: u64 = 0;
  let level: u64 = 3;
  let row: usize = remembers ? findTable(HOST, 0, address) : 0;
  if (row) level = 0;
  else if (remembers && (row = findTable(HOST, 1, address))) level = 1;
  if (row) {
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
      if (!isDram(page)) return MALFORMED;
      const directory = makeDirectoryEntry(page);
      frame = directory ? openAt(directory, page, hostKeyOf(above), true) : 0;
      if (!frame) return NO_FRAME;
      mark(directory, nestedRole(level, address));
      if (remembers) {
        rememberTable(HOST, level, address, 0, frame, directory, granted, noExecute);
      }
    }
    const offset = u32((address >> (12 + 9 * level)) & 511) << 3;
    const entry = load<u64>(bytesOf(frame) + offset);
    if (!bit(entry, Pte.PRESENT_BIT)) return NOT_PRESENT;
    const large = bit(entry, Pte.LARGE_BIT) && level > 0;
    if (isReserved(entry, level, large, true)) return MALFORMED;
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
    hostKey = hostKeyOf(entry);
    if (isDram(pageOf(spa))) return 0;
    return isMmio(pageOf(spa)) ? DEVICE : MALFORMED;
  }
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
