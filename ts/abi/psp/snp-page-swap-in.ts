// Command buffer of SNP_PAGE_SWAP_IN. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const SRC_PADDR = 0x08; // u64
export const DST_PADDR = 0x10; // u64
export const MDATA_PADDR = 0x18; // u64
export const RESERVED_20 = 0x20; // u64
export const FLAGS = 0x28; // u64
export const SIZE = 0x30;

// FLAGS
export const PAGE_SIZE_BIT = 0;
export const PAGE_TYPE_LSB = 1;
export const PAGE_TYPE_WIDTH = 2;
export const SWAP_IN_PLACE_BIT = 3;
export const ROOT_MDATA_EN_BIT = 4;
