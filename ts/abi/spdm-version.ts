// VERSION up to its entries. DSP0274 10.3.
export const RESERVED_000 = 0x00; // 4
export const RESERVED_004 = 0x04; // u8
export const ENTRY_COUNT = 0x05; // u8
export const SIZE = 0x06;

// Each entry: major, minor, update and alpha nibbles.
export const ENTRY_BYTES = 2;
export const ENTRY_MINOR_LSB = 8;
