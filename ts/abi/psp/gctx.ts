// Command buffer of SNP_GCTX_CREATE and SNP_DECOMMISSION. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x0; // u64
export const SIZE = 0x8;
