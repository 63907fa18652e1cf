// What SNP_VERIFY_MITIGATION writes. SNP firmware ABI (AMD 56860).
export const VERIFIED_VECTOR = 0x00; // u64
export const SUPPORTED_VECTOR = 0x08; // u64
export const FAILURE_STATUS = 0x10; // u32
export const RESERVED_14 = 0x14; // u32
export const SIZE = 0x18;
