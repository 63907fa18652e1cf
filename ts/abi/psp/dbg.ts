// Command buffer of DBG_DECRYPT and DBG_ENCRYPT. SEV API (AMD 55766).
export const HANDLE = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const SRC_PADDR = 0x08; // u64
export const DST_PADDR = 0x10; // u64
export const LENGTH = 0x18; // u32
export const SIZE = 0x1c;
