// An ECDSA signature, both numbers little-endian. SEV-SNP Firmware ABI (AMD 56860), chapter 10.
export const R = 0x00; // 72
export const S = 0x48; // 72
export const RESERVED_90 = 0x90; // 368
export const SIZE = 0x200;
