// Command buffer of DOWNLOAD_FIRMWARE. SEV API (AMD 55766).
export const FW_PADDR = 0x00; // u64
export const FW_LENGTH = 0x08; // u32
export const SIZE = 0xc;
