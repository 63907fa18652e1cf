// Command buffer of SNP_INIT_EX. SNP firmware ABI (AMD 56860).
export const FLAGS = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const LIST_PADDR = 0x08; // u64
export const MAX_SNP_ASID = 0x10; // u16
export const RESERVED_12 = 0x12; // 46
export const SIZE = 0x40;

// FLAGS
export const INIT_RMP_BIT = 0;
export const LIST_PADDR_EN_BIT = 1;
export const RAPL_DIS_BIT = 2;
export const CIPHERTEXT_HIDING_EN_BIT = 3;
export const TIO_EN_BIT = 4;
