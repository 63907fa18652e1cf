// What a vCPU's walks found on their way, for the next ones: nested walks finished (gpa to spa), and tables of the two lowest
// levels on either side. Nothing here says that an access is allowed: the RMP is asked each time, and leaves are read each time.
// What drops a row is in dependent.ts; a table's row also ends with its frame's generation, as a TLB entry does.
import * as Directory from "../ts/abi/directory";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Nested from "../ts/abi/nested-tlb";
import * as Pte from "../ts/abi/pte";
import * as State from "../ts/abi/state";
import * as Row from "../ts/abi/table-cache";
import * as Tlb from "../ts/abi/tlb";
import { bit, mask, PAGE_SHIFT } from "./address";
import { directoryEntry, infoOf } from "./dram";
import { markRead } from "./dependent";
import { READ, vcpuTag } from "./tlb";

const RIGHTS: u64 = 7;
/** Bits of an address that a tag holds. */
const TAGGED: u64 = (u64(1) << (Tlb.PAGE_WIDTH + PAGE_SHIFT)) - 1;
const USER: u64 = u64(1) << Tlb.USER_BIT;
const BYTES: usize = Row.ROWS * Row.SIZE;
const NESTED_SETS: usize = Memory.TABLE_CACHE + Row.LEVELS * BYTES;

/** Whose tables: where its sets begin. */
export const GUEST: usize = Memory.TABLE_CACHE;
export const HOST: usize = NESTED_SETS;

/** Whether nothing is looked up and nothing remembered. */
export function isOff(): bool {
  return load<u32>(Memory.STATE, State.PLAIN_WALKS) != 0;
}

/** A vCPU's tag in here: a walk's steps are the same for its user and its kernel. */
export function walkTag(tag: u64): u64 {
  return tag & ~USER;
}

function addressTag(number: u64, vcpu: u64): u64 {
  return (number << Tlb.PAGE_LSB) | vcpu;
}

function nestedRow(gpa: u64): usize {
  return Memory.NESTED_TLB + (usize(gpa >> PAGE_SHIFT) & (Nested.ENTRIES - 1)) * Nested.SIZE;
}

/** The row of a finished nested walk with these rights; 0 when there is none. */
export function findNested(gpa: u64, rights: u64, vcpu: u64): usize {
  if (gpa & ~TAGGED) return 0;
  const row = nestedRow(gpa);
  const differs = load<u64>(row, Nested.TAG) ^ (addressTag(gpa >> PAGE_SHIFT, vcpu) | rights);
  return differs & (~RIGHTS | rights) ? 0 : row;
}

/** Remembers a nested walk. Rights earned before for the same outcome stay. */
export function rememberNested(gpa: u64, rights: u64, vcpu: u64, page: u32, flags: u32): void {
  if (gpa & ~TAGGED || isOff()) return;
  const row = nestedRow(gpa);
  let tag = addressTag(gpa >> PAGE_SHIFT, vcpu) | rights;
  const old = load<u64>(row, Nested.TAG);
  if (((old ^ tag) & ~RIGHTS) == 0) tag |= old & RIGHTS;
  store<u64>(row, tag, Nested.TAG);
  store<u32>(row, page, Nested.PAGE);
  store<u32>(row, flags, Nested.FLAGS);
}

function tableRow(sets: usize, level: u64, number: u64): usize {
  return sets + usize(level) * BYTES + (usize(number) & (Row.ROWS - 1)) * Row.SIZE;
}

/** What selects the table of a level: the address bits above those that index it. */
function numberOf(address: u64, level: u64): u64 {
  return address >> (21 + 9 * level);
}

/** The row of the lowest table known that a walk of an address reads; 0 when there is none. */
export function findTable(sets: usize, address: u64): usize {
  if (address & ~TAGGED && sets == HOST) return 0;
  const vcpu = walkTag(vcpuTag());
  let number = numberOf(address & TAGGED, 0);
  let row = tableRow(sets, 0, number);
  if (!isTableOf(row, number, vcpu)) {
    number >>= 9;
    row = tableRow(sets, 1, number);
    if (!isTableOf(row, number, vcpu)) return 0;
  }
  markRead(load<u32>(row, Row.ENTRY));
  return row;
}

function isTableOf(row: usize, number: u64, vcpu: u64): bool {
  if (load<u64>(row, Row.TAG) != (addressTag(number, vcpu) | READ)) return false;
  const frame = load<u32>(row, Row.FRAME);
  return load<u32>(infoOf(frame), Frame.GENERATION) == load<u32>(row, Row.GENERATION);
}

/** Where a guest's lowest table for an address is remembered, if it is. */
export function guestRow(gva: u64): usize {
  return tableRow(GUEST, 0, numberOf(gva, 0));
}

/** Where the lowest nested table for an address is. */
export function hostRow(gpa: u64): usize {
  return tableRow(HOST, 0, numberOf(gpa, 0));
}

/** A gpa has bits that no tag holds. */
export function isBeyond(gpa: u64): bool {
  return (gpa & ~TAGGED) != 0;
}

/** Not 0 where a row is not an address's lowest table, or that was written since it was walked. */
export function unknown(row: usize, address: u64, vcpu: u64): u64 {
  const tag = addressTag(numberOf(address & TAGGED, 0), vcpu) | READ;
  const now = load<u32>(infoOf(load<u32>(row, Row.FRAME)), Frame.GENERATION);
  const open = load<u32>(load<u32>(row, Row.ENTRY), Directory.OPEN);
  const stale = (load<u32>(row, Row.GENERATION) ^ now) | (open & (1 << Directory.WRITTEN_BIT));
  return (load<u64>(row, Row.TAG) ^ tag) | u64(stale);
}

/** The level of a row's table. */
export function levelOf(row: usize): u64 {
  return ((row - Memory.TABLE_CACHE) / BYTES) & 1;
}

/** Remembers a table of level 0 or 1 that a walk came to, and what the entries above it grant. */
export function rememberTable(
  sets: usize,
  level: u64,
  address: u64,
  gpa: u64,
  frame: u32,
  granted: u64,
  noExecute: u64,
): void {
  if (isOff() || (address & ~TAGGED && sets == HOST)) return;
  const number = numberOf(address & TAGGED, level);
  const row = tableRow(sets, level, number);
  const rights = u32(granted) & ((1 << Pte.WRITE_BIT) | (1 << Pte.USER_BIT));
  store<u64>(row, addressTag(number, walkTag(vcpuTag())) | READ, Row.TAG);
  store<u64>(row, gpa, Row.GPA);
  store<u32>(row, frame, Row.FRAME);
  store<u32>(row, load<u32>(infoOf(frame), Frame.GENERATION), Row.GENERATION);
  store<u32>(row, u32(directoryEntry(load<u32>(infoOf(frame), Frame.PAGE))), Row.ENTRY);
  store<u32>(row, rights | (u32(bit(noExecute, Pte.NX_BIT)) << Row.NX_BIT), Row.RIGHTS);
}

/** The bits of a row that every entry above the table had. */
export function grantedOf(row: usize): u64 {
  return load<u32>(row, Row.RIGHTS);
}

/** NX if one of the entries above the table had it. */
export function noExecuteOf(row: usize): u64 {
  return bit(load<u32>(row, Row.RIGHTS), Row.NX_BIT) ? mask(Pte.NX_BIT) : 0;
}

/** Forgets nested walks of so many pages from one on, whoever's they are. */
export function forgetNested(page: u32, pages: u32): void {
  const row = Memory.NESTED_TLB + (usize(page) & (Nested.ENTRIES - 1)) * Nested.SIZE;
  memory.fill(row, 0, pages * Nested.SIZE);
}

/** Forgets a guest's lowest table below the entry of that index. */
export function forgetGuestTable(index: u32): void {
  store<u64>(tableRow(GUEST, 0, index), 0, Row.TAG);
}

/** Forgets a lowest nested table below the entry of that index. */
export function forgetNestedTable(index: u32): void {
  store<u64>(tableRow(HOST, 0, index), 0, Row.TAG);
}

/** Forgets everything. */
export function flushWalkCaches(): void {
  memory.fill(Memory.NESTED_TLB, 0, Nested.ENTRIES * Nested.SIZE);
  memory.fill(Memory.TABLE_CACHE, 0, Row.SETS * BYTES);
}

/** Whether walks look nothing up and remember nothing but where they end: for comparison and measurement. */
export function setPlainWalks(on: bool): void {
  store<u32>(Memory.STATE, u32(on), State.PLAIN_WALKS);
  flushWalkCaches();
}
