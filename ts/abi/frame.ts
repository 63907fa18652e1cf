// What is known of one 4 KiB frame of linear memory while it holds the plaintext of a page.
export const DIRTY = 0x00; // u64
export const GENERATION = 0x08; // u32
export const PAGE = 0x0c; // u32
export const KEY = 0x10; // u32
export const NEXT = 0x14; // u32
export const PREVIOUS = 0x18; // u32
// The row of the TLB that may name the frame, in linear memory.
export const ROW = 0x1c; // u32
export const SIZE = 0x20;

// KEY: the slot a page is open under. RAW is the identity: no key, DRAM as the chips hold it.
export const RAW = 0xffff;

// ROW
export const NO_ROW = 0;
export const SEVERAL_ROWS = 1;
