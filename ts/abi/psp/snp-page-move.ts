// Command buffer of SNP_PAGE_MOVE. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const FLAGS = 0x08; // u32
export const RESERVED_0C = 0x0c; // u32
export const SRC_PADDR = 0x10; // u64
export const DST_PADDR = 0x18; // u64
export const SIZE = 0x20;

// FLAGS
export const PAGE_SIZE_BIT = 0;
