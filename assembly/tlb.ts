// Finished walks remembered, tagged by ASID and VMPL. An entry names a frame, and the frame the entry: closing it clears that.
// It exists for speed and costs nothing in the model (assembly/model/ counts the part's own TLBs).
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Tlb from "../ts/abi/tlb";
import * as Vcpu from "../ts/abi/vcpu";
import { OFFSET, PAGE_SHIFT } from "./address";
import { bytesOf, infoOf } from "./dram";
import { flushWalkCaches } from "./walk-cache";

/** Where a tag says what an access may do. */
export const RIGHTS: u64 = 7;
const EPOCHS: u32 = 1 << Tlb.EPOCH_WIDTH;

/** What an access needs, as the rights of a tag. */
export const READ: u64 = 1 << Tlb.READ_BIT;
export const WRITE: u64 = 1 << Tlb.WRITE_BIT;
export const FETCH: u64 = 1 << Tlb.FETCH_BIT;

/** The tag of the running vCPU without page and rights. */
export function vcpuTag(): u64 {
  const asid = load<u32>(Memory.VCPU, Vcpu.ASID);
  const epoch = load<u32>(Memory.TLB_EPOCHS + (usize(asid) << 2));
  const user = load<u32>(Memory.VCPU, Vcpu.CPL) == 3;
  return (
    (u64(asid) << Tlb.ASID_LSB) |
    (u64(load<u32>(Memory.VCPU, Vcpu.VMPL)) << Tlb.VMPL_LSB) |
    (u64(user) << Tlb.USER_BIT) |
    (u64(epoch) << Tlb.EPOCH_LSB)
  );
}

// A row is named by its offset in the table: the table's own place is a constant that each load adds by itself.
const ROW_SHIFT = PAGE_SHIFT - 4;
const ROWS: usize = (Tlb.ENTRIES - 1) * Tlb.SIZE;
const TABLE: usize = Memory.TLB;
const END: usize = Memory.TLB + Tlb.ENTRIES * Tlb.SIZE;

/** The row that may know the page of an address. */
export function rowOf(gva: u64): usize {
  return (usize(gva) >> ROW_SHIFT) & ROWS;
}

function tagOf(gva: u64, vcpu: u64): u64 {
  return ((gva >> PAGE_SHIFT) << Tlb.PAGE_LSB) | vcpu;
}

/** What a row lacks of a walk to the page of an address with every right, where `all` is the vCPU's tag with them: the rights
 *  that were not earned; and other bits where it is a walk to another page, or somebody else's. */
export function lacking(row: usize, gva: u64, all: u64): u64 {
  return load<u64>(row, Memory.TLB + Tlb.TAG) ^ tagOf(gva, all);
}

/** What the lower half of a gva of the row's page is short of the linear address of its bytes. */
export function distance(row: usize): usize {
  return load<u32>(row, Memory.TLB + Tlb.DISTANCE);
}

/** The bytes at `gva` if a walk with these rights is remembered; else 0. */
export function lookup(gva: u64, vcpu: u64, rights: u64): usize {
  const row = rowOf(gva);
  if (lacking(row, gva, vcpu | RIGHTS) & (~RIGHTS | rights)) return 0;
  return usize(gva) + distance(row);
}

/** Remembers a walk. Rights that were earned before for the same frame stay. */
export function remember(gva: u64, vcpu: u64, rights: u64, frame: u32): void {
  const row = TABLE + rowOf(gva);
  let tag = tagOf(gva, vcpu) | rights;
  const old = load<u64>(row, Tlb.TAG);
  if (((old ^ tag) & ~RIGHTS) == 0 && load<u32>(row, Tlb.FRAME) == frame) tag |= old & RIGHTS;
  store<u64>(row, tag, Tlb.TAG);
  store<u32>(row, u32(bytesOf(frame)) - (u32(gva) & ~OFFSET), Tlb.DISTANCE);
  store<u32>(row, frame, Tlb.FRAME);
  const info = infoOf(frame);
  const known = load<u32>(info, Frame.ROW);
  if (known == row) return;
  store<u32>(info, known == Frame.NO_ROW ? u32(row) : Frame.SEVERAL_ROWS, Frame.ROW);
}

/** Forgets every walk that ends in a frame. The row that it knows may be another frame's by now. */
export function forgetWalksTo(frame: u32): void {
  const info = infoOf(frame);
  const known = load<u32>(info, Frame.ROW);
  if (known == Frame.NO_ROW) return;
  store<u32>(info, Frame.NO_ROW, Frame.ROW);
  const several = known == Frame.SEVERAL_ROWS;
  const end: usize = several ? END : known + Tlb.SIZE;
  for (let row: usize = several ? TABLE : known; row < end; row += Tlb.SIZE) {
    if (load<u32>(row, Tlb.FRAME) == frame) store<u64>(row, 0, Tlb.TAG);
  }
}

/** Forgets everything, also what walks found on their way. */
export function flushTlb(): void {
  memory.fill(Memory.TLB, 0, Tlb.ENTRIES * Tlb.SIZE);
  flushWalkCaches();
}

/** Forgets so many pages from one on, in every address space. */
export function forgetWalks(page: u32, pages: u32): void {
  const entry = Memory.TLB + (usize(page) & (Tlb.ENTRIES - 1)) * Tlb.SIZE;
  memory.fill(entry, 0, pages * Tlb.SIZE);
}

/** Forgets one ASID: its tags carry an epoch that no longer matches. */
export function flushAsid(asid: u32): void {
  const at = Memory.TLB_EPOCHS + (usize(asid) << 2);
  const epoch = load<u32>(at) + 1;
  store<u32>(at, epoch & (EPOCHS - 1));
  if (epoch == EPOCHS) flushTlb();
}

/** Marks the lines dirty that a store of 1 to 8 bytes at a linear address touches: one, or two that are neighbours. */
export function markStore(at: usize, bytes: usize): void {
  const info = (at >> (PAGE_SHIFT - 5)) & ~(Frame.SIZE - 1);
  const crosses = u64(((at & 63) + bytes - 1) >> 6);
  const lines = ((crosses << 1) | 1) << u64((at >> 6) & 63);
  const dirty = load<u64>(info, Memory.FRAME_TABLE + Frame.DIRTY);
  store<u64>(info, dirty | lines, Memory.FRAME_TABLE + Frame.DIRTY);
}
