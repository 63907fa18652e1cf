// Command buffer of SNP_ACTIVATE. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x0; // u64
export const ASID = 0x8; // u32
export const SIZE = 0xc;
