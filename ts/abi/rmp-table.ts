// Where the RMP lies, as the machine keeps it: three MSRs and what follows from them. APM vol. 2, 15.36.4; spec digest rmp.md 1.
export const RMP_BASE = 0x000; // u64
export const RMP_END = 0x008; // u64
export const RMP_CFG = 0x010; // u64
// Contiguous: how many pages have an entry. Segmented: how many entries of the segment table count.
export const COVERED_PAGES = 0x018; // u32
export const SEGMENTS = 0x01c; // u32
export const SIZE = 0x020;

// RMP_BASE to RMP_END begin with the firmware's own counters; then the entries, or the segment table.
export const BOOKKEEPING = 0x4000;

// RMP_CFG
export const SEGMENTED_BIT = 0;
export const SEGMENT_SHIFT_LSB = 8;
export const SEGMENT_SHIFT_WIDTH = 6;
