// One table that a vCPU's walks came to, and the rights earned above it.
// Four sets (a guest's tables of level 0 and 1, nested ones of level 0 and 1) of 512 rows each, direct-mapped by the address bits
// that select the entry above the table.
export const TAG = 0x00; // u64
export const GPA = 0x08; // u64
export const FRAME = 0x10; // u32
export const GENERATION = 0x14; // u32
export const ENTRY = 0x18; // u32
export const RIGHTS = 0x1c; // u32
export const SIZE = 0x20;

export const ROWS = 512;
export const SETS = 4;
export const LEVELS = 2;

// TAG: as ts/abi/tlb.ts has it, over those address bits; READ says that the row is in use. GPA: of a guest's table. ENTRY: its
// page's in the frame directory. RIGHTS: bits 1 and 2 as in a page-table entry, and
export const NX_BIT = 0;
