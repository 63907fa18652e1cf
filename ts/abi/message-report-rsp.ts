// MSG_REPORT_RSP. SEV-SNP Firmware ABI (AMD 56860), 7.3.
export const STATUS = 0x00; // u32
export const REPORT_SIZE = 0x04; // u32
export const RESERVED_08 = 0x08; // 24
export const REPORT = 0x20; // 1184
export const SIZE = 0x4c0;
