// The request of the SVSM's PVALIDATE: a header, then entries of 8 bytes. AMD 58019; spec digest ghcb.md 7.
export const ENTRIES = 0x0; // u16
export const NEXT = 0x2; // u16
export const RESERVED_4 = 0x4; // u32
export const SIZE = 0x8;

export const ENTRY_SIZE = 8;

// An entry
export const PAGE_SIZE_LSB = 0;
export const PAGE_SIZE_WIDTH = 2;
export const VALIDATE_BIT = 2;
export const IGNORE_CARRY_BIT = 3;
export const GFN_LSB = 12;
