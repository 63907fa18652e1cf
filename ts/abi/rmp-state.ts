// rmp_state: what RMPUPDATE reads and RMPREAD writes. APM vol. 3, RMPUPDATE and RMPREAD.
export const GPA = 0x0; // u64
export const ASSIGNED = 0x8; // u8
export const PAGE_SIZE = 0x9; // u8
export const IMMUTABLE = 0xa; // u8
export const RESERVED_0B = 0xb; // u8
export const ASID = 0xc; // u32
export const SIZE = 0x10;

// PAGE_SIZE as RMPREAD writes it: the size, and whether another entry of the 2 MiB region is assigned
export const PAGE_SIZE_BIT = 0;
export const REGION_ASSIGNED_BIT = 1;

// What the RMP instructions answer in EAX
export const SUCCESS = 0;
export const FAIL_INPUT = 1;
export const FAIL_PERMISSION = 2;
export const FAIL_INUSE = 3;
export const FAIL_OVERLAP = 4;
export const FAIL_SIZEMISMATCH = 6;
export const FAIL_EXPANSION = 7;
