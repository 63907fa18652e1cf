// Command buffer of INIT. SEV API (AMD 55766).
export const FLAGS = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const TMR_PADDR = 0x08; // u64
export const TMR_LENGTH = 0x10; // u32
export const SIZE = 0x14;

// FLAGS
export const ES_BIT = 0;
