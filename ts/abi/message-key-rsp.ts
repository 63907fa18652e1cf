// MSG_KEY_RSP. SEV-SNP Firmware ABI (AMD 56860), 7.2.
export const STATUS = 0x00; // u32
export const RESERVED_04 = 0x04; // 28
export const DERIVED_KEY = 0x20; // 32
export const SIZE = 0x40;
