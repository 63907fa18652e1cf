// One page of system memory in the frame directory: a leaf of 512 such entries covers 2 MiB.
export const DRAM = 0x0; // u32
export const OPEN = 0x4; // u32
export const SIZE = 0x8;

// OPEN: the frame, and whether a walk has read this page, so that a write to it must drop the walks that used it.
export const FRAME_LSB = 0;
export const FRAME_WIDTH = 20;
// The role it was read in (assembly/dependent.ts): which part of the address space its lowest table maps, its level, whose it is.
export const REGION_LSB = 20;
export const REGION_WIDTH = 6;
export const LEVEL_LSB = 26;
export const LEVEL_WIDTH = 2;
export const KIND_LSB = 28;
export const KIND_WIDTH = 2;
// The guest has changed an entry since a walk last read the page.
export const WRITTEN_BIT = 30;
export const TABLE_BIT = 31;

// KIND: a guest's table, a nested one, or read in more than one role
export const GUEST = 0;
export const NESTED = 1;
export const MIXED = 2;
