// Command buffer of ACTIVATE_EX. SEV API (AMD 55766).
export const EX_LEN = 0x00; // u32
export const HANDLE = 0x04; // u32
export const ASID = 0x08; // u32
export const NUMIDS = 0x0c; // u32
export const IDS_PADDR = 0x10; // u64
export const SIZE = 0x18;
