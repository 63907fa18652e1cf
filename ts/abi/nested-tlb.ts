// One finished nested walk of a vCPU: gpa to spa. 16384 rows, direct-mapped by the page number of the gpa.
export const TAG = 0x0; // u64
export const PAGE = 0x8; // u32
export const FLAGS = 0xc; // u32
export const SIZE = 0x10;

export const ENTRIES = 16384;

// TAG: as ts/abi/tlb.ts has it, over the gpa. FLAGS: a 2 MiB mapping; encrypted under the host's key.
export const LARGE_BIT = 0;
export const ENCRYPTED_BIT = 1;
