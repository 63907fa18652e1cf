// One remembered walk. 32768 entries, direct-mapped by virtual page number.
export const TAG = 0x0; // u64
// How far the page's bytes in linear memory are from the lower half of its gva.
export const DISTANCE = 0x8; // u32
export const FRAME = 0xc; // u32
export const SIZE = 0x10;

export const ENTRIES = 32768;

// TAG
export const READ_BIT = 0;
export const WRITE_BIT = 1;
export const FETCH_BIT = 2;
export const EPOCH_LSB = 3;
export const EPOCH_WIDTH = 12;
export const USER_BIT = 15;
export const VMPL_LSB = 16;
export const VMPL_WIDTH = 2;
export const ASID_LSB = 18;
export const ASID_WIDTH = 10;
export const PAGE_LSB = 28;
export const PAGE_WIDTH = 36;
