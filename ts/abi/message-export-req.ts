// MSG_EXPORT_REQ. SEV-SNP Firmware ABI (AMD 56860), 7.4.
export const GCTX_PADDR = 0x00; // u64
export const FLAGS = 0x08; // u32
export const RESERVED_0C = 0x0c; // u32
export const SIZE = 0x10;

// FLAGS.
export const IMI_EN_BIT = 0;
export const FLAGS_WIDTH = 1;
