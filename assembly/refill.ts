// A TLB miss of an SNP guest's private page, met from what earlier walks left behind: the guest's lowest table, the nested walk of
// the page or its lowest table, and an open page. Whatever is not as it mostly is, it leaves to the walk (walk.ts).
import * as Directory from "../ts/abi/directory";
import * as Events from "../ts/abi/events";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Nested from "../ts/abi/nested-tlb";
import * as Pte from "../ts/abi/pte";
import * as Row from "../ts/abi/table-cache";
import * as Vcpu from "../ts/abi/vcpu";
import { bit, isCanonical, mask, OFFSET, PAGE_SHIFT } from "./address";
import { bytesOf, infoOf, isDram, openOf } from "./dram";
import { count } from "./events";
import { ALLOWED, checkAs, isEnabled, ownedBy, wanted } from "./rmp";
import { FETCH, remember, WRITE, READ } from "./tlb";
import { cBit, FOLLOWED, frameMask, mayRun, reservedBits } from "./walk";
import { findNested, GUEST, HOST, knownTable, rememberNested } from "./walk-cache";

const NOWHERE: usize = 0;
const FRAME: u32 = (1 << Directory.FRAME_WIDTH) - 1;
const MODES: u32 = (1 << Vcpu.PAGING_BIT) | (1 << Vcpu.SEV_BIT) | (1 << Vcpu.SEV_SNP_BIT);

/** Where an access within a page is, and remembers it; NOWHERE when the walk must find out. Not yet marked dirty. */
export function refill(gva: u64, need: u64, tag: u64): usize {
  const mode = load<u32>(Memory.VCPU, Vcpu.MODE) & MODES;
  if (mode != MODES || !isEnabled() || !isCanonical(gva) || !mayRun()) return NOWHERE;
  const guestRow = knownTable(GUEST, gva);
  if (!guestRow) return NOWHERE;
  const index = (usize(gva >> PAGE_SHIFT) & 511) << 3;
  const entry = load<u64>(bytesOf(load<u32>(guestRow, Row.FRAME)) + index);
  const c = cBit();
  const noted = need == WRITE ? FOLLOWED | mask(Pte.DIRTY_BIT) : FOLLOWED;
  if ((entry & (noted | c | reservedBits(true))) != (noted | c)) return NOWHERE;
  const rights = load<u32>(guestRow, Row.RIGHTS);
  const user = load<u32>(Memory.VCPU, Vcpu.CPL) == 3;
  if (!grants(entry, rights, need, user)) return NOWHERE;
  const gpa = (entry & frameMask()) | (gva & OFFSET);
  const page = nestedPage(gpa, need);
  if (!page) return NOWHERE;
  const asid = load<u32>(Memory.VCPU, Vcpu.ASID);
  const open = openOf(page);
  const frame = open & FRAME;
  // A page of tables is not remembered for writing.
  if (!frame || (need == WRITE && open != frame)) return NOWHERE;
  if (load<u32>(infoOf(frame), Frame.KEY) != asid) return NOWHERE;
  const vmpl = load<u32>(Memory.VCPU, Vcpu.VMPL);
  if (checkAs(page, gpa, ownedBy(asid, false), vmpl, wanted(need, user)) != ALLOWED) return NOWHERE;
  count(Events.WALKS, 1);
  count(Events.RMP_CHECKS, 5);
  remember(gva, tag, need == WRITE ? READ | WRITE : need, frame);
  return bytesOf(frame) | (usize(gva) & OFFSET);
}

/** Whether an entry, and those above it by a row's rights, grant an access. */
function grants(entry: u64, rights: u32, need: u64, user: bool): bool {
  const all = u32(entry) & rights;
  if (need == WRITE && !(all & (1 << Pte.WRITE_BIT))) return false;
  if (need == FETCH && (bit(entry, Pte.NX_BIT) || bit(rights, Row.NX_BIT))) return false;
  return !user || (all & (1 << Pte.USER_BIT)) != 0;
}

/** The page of memory behind a gpa by a nested mapping of 4 KiB; 0 when the walk must find out. */
function nestedPage(gpa: u64, need: u64): u32 {
  const known = findNested(gpa, need);
  if (known) {
    const large = bit(u64(load<u32>(known, Nested.FLAGS)), Nested.LARGE_BIT);
    return large ? 0 : load<u32>(known, Nested.PAGE);
  }
  const row = knownTable(HOST, gpa);
  if (!row) return 0;
  const index = (usize(gpa >> PAGE_SHIFT) & 511) << 3;
  const entry = load<u64>(bytesOf(load<u32>(row, Row.FRAME)) + index);
  const noted = need == WRITE ? FOLLOWED | mask(Pte.DIRTY_BIT) : FOLLOWED;
  if ((entry & (noted | reservedBits(true))) != noted) return 0;
  if (!grants(entry, load<u32>(row, Row.RIGHTS), need, true)) return 0;
  const page = (entry & frameMask()) >> PAGE_SHIFT;
  if (page >> 32 || !isDram(u32(page))) return 0;
  const encrypted = u32((entry & cBit()) != 0) << Nested.ENCRYPTED_BIT;
  rememberNested(gpa, need, u32(page), encrypted);
  return u32(page);
}
