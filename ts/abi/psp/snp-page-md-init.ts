// Command buffer of SNP_PAGE_MD_INIT. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const PAGE_PADDR = 0x08; // u64
export const SIZE = 0x10;
