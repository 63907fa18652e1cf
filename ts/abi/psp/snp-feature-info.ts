// Command buffer of SNP_FEATURE_INFO. SNP firmware ABI (AMD 56860).
export const LENGTH = 0x00; // u32
export const ECX_IN = 0x04; // u32
export const FEATURE_INFO_PADDR = 0x08; // u64
export const SIZE = 0x10;
