// Start-up: where the tables of this machine lie in linear memory. After this nothing moves and nothing is allocated.
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Segment from "../ts/abi/rmp-segment";
import * as Table from "../ts/abi/rmp-table";
import * as State from "../ts/abi/state";
import { mask, OFFSET, PAGE, PAGE_SHIFT } from "./address";
import { fillTables } from "./aes/tables";
import { resetMailbox } from "./mailbox";
import { fillOffsetTweaks } from "./xex";

const TWEAKS = 1024;

/** Lays out memory of `linearPages` (4 KiB) for a machine of `dramPages`. Answers the frames left for contents, or 0. */
export function start(
  linearPages: u32,
  dramPages: u32,
  cipher: u32,
  cBit: u32,
  addressBits: u32,
  snp: bool,
  vmplFull: u32,
  cacheWarp: bool,
  rmpFeatures: u32,
  mmioFirst: u32,
  mmioPages: u32,
): u32 {
  const directoryRoot = align(Memory.FRAME_TABLE + u64(linearPages) * Frame.SIZE);
  // One u32 per leaf: 2 MiB of memory a directory leaf, 1 MiB an RMP leaf.
  const rmpRoot = align(directoryRoot + (((u64(dramPages) + 511) >> 9) << 2));
  const leaves = ((u64(dramPages) + 255) >> 8) + ((u64(mmioPages) + 255) >> 8);
  const frames = align(rmpRoot + (leaves << 2)) >> PAGE_SHIFT;
  // The last page stays unused: a narrow load may read up to 7 bytes past its frame before it masks them away.
  const end = u64(linearPages) - 1;
  if (frames >= end) return 0;
  store<u32>(Memory.STATE, dramPages, State.DRAM_PAGES);
  store<u32>(Memory.STATE, u32(end), State.FRAMES);
  store<u32>(Memory.STATE, u32(frames), State.FIRST_FRAME);
  store<u32>(Memory.STATE, u32(frames), State.NEXT_FRAME);
  store<u32>(Memory.STATE, u32(directoryRoot), State.DIRECTORY_ROOT);
  store<u32>(Memory.STATE, u32(rmpRoot), State.RMP_ROOT);
  store<u32>(Memory.STATE, cipher, State.CIPHER);
  store<u32>(Memory.STATE, cBit, State.C_BIT);
  store<u32>(Memory.STATE, addressBits, State.ADDRESS_BITS);
  store<u64>(Memory.STATE, cBit ? mask(cBit) : 0, State.C_MASK);
  store<u64>(Memory.STATE, (mask(addressBits) - 1) & ~OFFSET, State.FRAME_MASK);
  store<u32>(Memory.STATE, u32(snp), State.SNP_ENABLED);
  store<u32>(Memory.STATE, vmplFull, State.VMPL_FULL);
  store<u32>(Memory.STATE, u32(cacheWarp), State.CACHE_WARP);
  store<u32>(Memory.STATE, rmpFeatures, State.RMP_FEATURES);
  store<u32>(Memory.STATE, mmioFirst, State.MMIO_FIRST);
  store<u32>(Memory.STATE, mmioPages, State.MMIO_PAGES);
  fillTables();
  resetMailbox();
  return u32(end - frames);
}

/** Takes where the RMP lies: the MSRs here, a segment table of Memory.WINDOW. */
export function setRmpTable(base: u64, end: u64, cfg: u64, covered: u32, segments: u32): void {
  store<u64>(Memory.RMP_TABLE, base, Table.RMP_BASE);
  store<u64>(Memory.RMP_TABLE, end, Table.RMP_END);
  store<u64>(Memory.RMP_TABLE, cfg, Table.RMP_CFG);
  store<u32>(Memory.RMP_TABLE, covered, Table.COVERED_PAGES);
  store<u32>(Memory.RMP_TABLE, segments, Table.SEGMENTS);
  memory.copy(Memory.RST, Memory.WINDOW, Segment.COUNT * Segment.SIZE);
}

function align(address: u64): u64 {
  return (address + PAGE - 1) & ~u64(PAGE - 1);
}

/** Takes the tweak constants, 16 bytes for each of 64 address bits, from Memory.WINDOW. */
export function setTweaks(): void {
  memory.copy(Memory.TWEAK, Memory.WINDOW, TWEAKS);
  fillOffsetTweaks();
}

/** How many frames hold something now. */
export function framesInUse(): u32 {
  let free: u32 = 0;
  let frame = load<u32>(Memory.STATE, State.FREE_FRAME);
  for (; frame; frame = load<u32>(usize(frame) << PAGE_SHIFT)) free++;
  const taken =
    load<u32>(Memory.STATE, State.NEXT_FRAME) - load<u32>(Memory.STATE, State.FIRST_FRAME);
  return taken - free;
}
