// Command buffer of SNP_ACTIVATE_EX. SNP firmware ABI (AMD 56860).
export const EX_LEN = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const GCTX_PADDR = 0x08; // u64
export const ASID = 0x10; // u32
export const NUMIDS = 0x14; // u32
export const IDS_PADDR = 0x18; // u64
export const SIZE = 0x20;
