// MSG_IMPORT_REQ, MSG_ABSORB_REQ and, with GCTX_PADDR reserved, MSG_ABSORB_NOMA_REQ. SEV-SNP Firmware ABI (AMD 56860), 7.5.
export const GCTX_PADDR = 0x00; // u64
export const GCTX_SIZE = 0x08; // u32
export const GCTX_VERSION = 0x0c; // u32
export const RESERVED_10 = 0x10; // 16
export const GCTX = 0x20; // 768
export const SIZE = 0x320;
