// Command buffer of SNP_DOWNLOAD_FIRMWARE_EX. SNP firmware ABI (AMD 56860).
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const FW_PADDR = 0x08; // u64
export const FW_LEN = 0x10; // u32
export const FLAGS = 0x14; // u32
export const SIZE = 0x18;

// FLAGS
export const COMMIT_BIT = 0;
