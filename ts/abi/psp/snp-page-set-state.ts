// Command buffer of SNP_PAGE_SET_STATE. SNP firmware ABI (AMD 56860).
export const LENGTH = 0x00; // u32
export const FLAGS = 0x04; // u32
export const LIST_PADDR = 0x08; // u64
export const SIZE = 0x10;
