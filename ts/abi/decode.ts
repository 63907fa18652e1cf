// Scratch memory of an instance that decodes traces (assembly/parse/).
// The handler of a kind and a size: one row a kind, one column a size, the last for every larger one.
export const OPERATIONS = 0x000; // 40
export const RESERVED_028 = 0x028; // 24
// What each of drmemtrace's record types is: a kind, SKIP or STOP; and how often each was seen.
export const KINDS = 0x040; // 64
export const SEEN = 0x080; // 256
export const TAKEN = 0x180; // u32
export const RESERVED_184 = 0x184; // 12
// How many fetches, loads, stores and modifies parseLackey made.
export const COUNTS = 0x190; // 16
export const RESERVED_1A0 = 0x1a0; // 96
// Rows of ts/abi/lackey-line.ts.
export const LINES = 0x200; // 2048
export const SIZE = 0xa00;

export const COLUMNS = 10;

// KINDS, beside the kinds of ts/abi/cltr.ts
export const SKIP = 254;
export const STOP = 255;

export const DRMEMTRACE_SIZE = 12;
export const DRMEMTRACE_TYPES = 50;
