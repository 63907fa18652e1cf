// Finished walks remembered, tagged by ASID and VMPL. An entry names a frame and the frame's generation: closing the frame
// makes it stale. It exists for speed and costs nothing in the model (assembly/model/ counts the part's own TLBs).
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Tlb from "../ts/abi/tlb";
import * as Vcpu from "../ts/abi/vcpu";
import { mask, OFFSET, PAGE_SHIFT } from "./address";
import { bytesOf, infoOf } from "./dram";
import { flushWalkCaches } from "./walk-cache";

const RIGHTS: u64 = 7;
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

function entryOf(gva: u64): usize {
  return Memory.TLB + ((usize(gva >> PAGE_SHIFT) & (Tlb.ENTRIES - 1)) << 4);
}

function tagOf(gva: u64, vcpu: u64): u64 {
  return ((gva >> PAGE_SHIFT) << Tlb.PAGE_LSB) | vcpu;
}

/** The bytes at `gva` if a walk with these rights is remembered and its frame still open; else 0. */
export function lookup(gva: u64, vcpu: u64, rights: u64): usize {
  const entry = entryOf(gva);
  const differs = load<u64>(entry, Tlb.TAG) ^ (tagOf(gva, vcpu) | rights);
  if (differs & (~RIGHTS | rights)) return 0;
  const frame = load<u32>(entry, Tlb.FRAME);
  if (load<u32>(infoOf(frame), Frame.GENERATION) != load<u32>(entry, Tlb.GENERATION)) return 0;
  return bytesOf(frame) | (usize(gva) & OFFSET);
}

/** Remembers a walk. Rights that were earned before for the same frame stay. */
export function remember(gva: u64, vcpu: u64, rights: u64, frame: u32): void {
  const entry = entryOf(gva);
  const generation = load<u32>(infoOf(frame), Frame.GENERATION);
  let tag = tagOf(gva, vcpu) | rights;
  const old = load<u64>(entry, Tlb.TAG);
  const same =
    ((old ^ tag) & ~RIGHTS) == 0 &&
    load<u32>(entry, Tlb.FRAME) == frame &&
    load<u32>(entry, Tlb.GENERATION) == generation;
  if (same) tag |= old & RIGHTS;
  store<u64>(entry, tag, Tlb.TAG);
  store<u32>(entry, frame, Tlb.FRAME);
  store<u32>(entry, generation, Tlb.GENERATION);
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

/** The dirty lines that a narrow store at a linear address of a frame touches are marked on the hot path. */
export function markStore(at: usize, bytes: usize): void {
  const info = infoOf(u32(at >> PAGE_SHIFT));
  const first = mask(i32((at >> 6) & 63));
  const last = mask(i32(((at + bytes - 1) >> 6) & 63));
  store<u64>(info, load<u64>(info, Frame.DIRTY) | first | last, Frame.DIRTY);
}
