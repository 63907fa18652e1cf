// Command buffer of INIT_EX. SEV API (AMD 55766).
export const LENGTH = 0x00; // u32
export const FLAGS = 0x04; // u32
export const TMR_PADDR = 0x08; // u64
export const TMR_LENGTH = 0x10; // u32
export const RESERVED_14 = 0x14; // u32
export const NV_PADDR = 0x18; // u64
export const NV_LENGTH = 0x20; // u32
export const SIZE = 0x24;

// FLAGS
export const ES_BIT = 0;
