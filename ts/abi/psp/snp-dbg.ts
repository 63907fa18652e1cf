// Command buffer of SNP_DBG_DECRYPT and SNP_DBG_ENCRYPT. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const SRC_PADDR = 0x08; // u64
export const DST_PADDR = 0x10; // u64
export const SIZE = 0x18;
