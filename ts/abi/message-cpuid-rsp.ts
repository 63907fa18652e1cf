// Head of MSG_CPUID_RSP; the entries of the request follow, corrected. SEV-SNP Firmware ABI (AMD 56860), 7.1.
export const STATUS = 0x00; // u32
export const COUNT = 0x04; // u32
export const RESERVED_08 = 0x08; // u64
export const SIZE = 0x10;
