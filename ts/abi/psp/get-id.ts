// Command buffer of GET_ID. SEV API (AMD 55766).
export const ID_PADDR = 0x00; // u64
export const ID_LENGTH = 0x08; // u32
export const SIZE = 0xc;
