// Page tables written by the software that owns them: the hypervisor's nested ones by system physical address, a guest
// kernel's through its own linear map. Entries live in emulated memory and nowhere else.
import * as Memory from "../ts/abi/memory";
import * as Pte from "../ts/abi/pte";
import * as Table from "../ts/abi/table";
import { bit, mask, OFFSET, PAGE } from "./address";
import { read, write } from "./access";
import { hostRead, hostWrite } from "./host";

const ADDRESS: u64 = ((u64(1) << Pte.FRAME_WIDTH) - 1) << Pte.FRAME_LSB;
const CELL: usize = Memory.SCRATCH + 64;

/** Whose tables: the host's, or a guest's that sees its physical memory at `linear`. */
let isGuest: bool = false;
let linear: u64 = 0;
let cBit: u64 = 0;

/** Maps in nested tables. See `map`. */
export function mapNested(root: u64, gpa: u64, leaf: u64, level: u32, c: u64, links: u64): u32 {
  isGuest = false;
  cBit = c;
  return map(root, gpa, leaf, level, links);
}

/** Maps in the running guest's tables, which it reaches at `linear` + gpa. See `map`. */
export function mapGuest(root: u64, gva: u64, leaf: u64, level: u32, at: u64, links: u64): u32 {
  isGuest = true;
  linear = at;
  return map(root, gva, leaf, level, links);
}

/** Writes the leaf entry for an address at level 0 (4 KiB) or 1 (2 MiB). A missing table is taken from the entries at
 *  Memory.WINDOW (u64 each: page | flags, zeroed here), as many as needed; answers how many, or Table.REFUSED with the exit
 *  record, or Table.OCCUPIED where a large leaf is in the way. `links` says how many entries are given. */
function map(root: u64, address: u64, leaf: u64, level: u32, links: u64): u32 {
  let above = root;
  let taken: u32 = 0;
  let at: u32 = 3;
  while (true) {
    const offset = ((address >> (12 + 9 * u64(at))) & 511) << 3;
    if (at == level) {
      return put(above, offset, leaf) ? taken : Table.REFUSED;
    }
    if (!get(above, offset)) return Table.REFUSED;
    let entry = load<u64>(CELL);
    if (!bit(entry, Pte.PRESENT_BIT)) {
      if (u64(taken) == links) return Table.REFUSED;
      entry = load<u64>(Memory.WINDOW + (usize(taken) << 3));
      if (!clear(entry) || !put(above, offset, entry)) return Table.REFUSED;
      taken++;
    } else if (bit(entry, Pte.LARGE_BIT)) {
      return Table.OCCUPIED;
    }
    above = entry;
    at--;
  }
}

function isEncrypted(above: u64): bool {
  return (above & cBit) != 0;
}

function get(above: u64, offset: u64): bool {
  const at = (above & ADDRESS & ~cBit) + offset;
  if (isGuest) return read(linear + at, Pte.SIZE, CELL);
  return hostRead(at, isEncrypted(above), Pte.SIZE, CELL);
}

function put(above: u64, offset: u64, entry: u64): bool {
  const at = (above & ADDRESS & ~cBit) + offset;
  store<u64>(CELL, entry);
  if (isGuest) return write(linear + at, Pte.SIZE, CELL);
  return hostWrite(at, isEncrypted(above), Pte.SIZE, CELL);
}

/** Zeroes a page that becomes a table. */
function clear(entry: u64): bool {
  const at = entry & ADDRESS & ~cBit & ~u64(OFFSET);
  if (isGuest) return write(linear + at, PAGE, Memory.NOTHING);
  return hostWrite(at, isEncrypted(entry), PAGE, Memory.NOTHING);
}

/** The leaf entry of a nested mapping, 0 when there is none. */
export function nestedEntry(root: u64, gpa: u64, c: u64): u64 {
  isGuest = false;
  cBit = c;
  let above = root;
  let at: u32 = 3;
  while (true) {
    if (!get(above, ((gpa >> (12 + 9 * u64(at))) & 511) << 3)) return 0;
    const entry = load<u64>(CELL);
    if (!bit(entry, Pte.PRESENT_BIT)) return 0;
    if (at == 0 || bit(entry, Pte.LARGE_BIT)) return entry;
    above = entry;
    at--;
  }
}

/** The mask of the C-bit at a position; 0 where there is none. */
export function cBitMask(position: u32): u64 {
  return position ? mask(position) : 0;
}
