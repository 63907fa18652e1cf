// One range of a RANGE_LIST. SNP firmware ABI (AMD 56860).
export const BASE = 0x00; // u64
export const PAGE_COUNT = 0x08; // u32
export const RESERVED_0C = 0x0c; // u32
export const SIZE = 0x10;
