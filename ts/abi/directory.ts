// One page of system memory in the frame directory: a leaf of 512 such entries covers 2 MiB.
export const DRAM = 0x0; // u32
export const OPEN = 0x4; // u32
export const SIZE = 0x8;

// In OPEN: a walk has read this page, so a write to it must drop the walks that used it.
export const TABLE_BIT = 31;
