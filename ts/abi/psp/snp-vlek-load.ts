// Command buffer of SNP_VLEK_LOAD. SNP firmware ABI (AMD 56860).
export const LENGTH = 0x00; // u32
export const VLEK_WRAPPED_VERSION = 0x04; // u8
export const RESERVED_05 = 0x05; // 3
export const VLEK_WRAPPED_PADDR = 0x08; // u64
export const SIZE = 0x10;
