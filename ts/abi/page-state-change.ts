// The buffer of a page state change: a header, then entries of 8 bytes. AMD 56421, 4.1.6; spec digest ghcb.md 4.
export const CUR_ENTRY = 0x0; // u16
export const END_ENTRY = 0x2; // u16
export const RESERVED_4 = 0x4; // u32
export const SIZE = 0x8;

export const ENTRY_SIZE = 8;
// Entries that the shared buffer of a GHCB holds.
export const ENTRIES = 253;

// An entry
export const CUR_PAGE_LSB = 0;
export const CUR_PAGE_WIDTH = 12;
export const GFN_LSB = 12;
export const GFN_WIDTH = 40;
export const OPERATION_LSB = 52;
export const OPERATION_WIDTH = 4;
export const PAGE_SIZE_BIT = 56;
export const RESERVED_LSB = 57;

// Its operation, that of the MSR protocol too
export const PRIVATE = 1;
export const SHARED = 2;
export const PSMASH = 3;
export const UNSMASH = 4;

// SW_EXITINFO2 as the hypervisor answers: bits 63:32, and bits 31:0 beside INVALID
export const INVALID = 1;
export const INVALID_HEADER = 1;
export const INVALID_ENTRY = 2;
export const GENERIC = 0x100;
