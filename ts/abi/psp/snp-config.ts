// Command buffer of SNP_CONFIG. SNP firmware ABI (AMD 56860).
export const REPORTED_TCB = 0x00; // u64
export const FLAGS = 0x08; // u32
export const RESERVED_0C = 0x0c; // 52
export const SIZE = 0x40;

// FLAGS
export const MASK_CHIP_ID_BIT = 0;
export const MASK_CHIP_KEY_BIT = 1;
