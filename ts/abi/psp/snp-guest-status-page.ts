// What SNP_GUEST_STATUS writes. SNP firmware ABI (AMD 56860).
export const POLICY = 0x00; // u64
export const ASID = 0x08; // u32
export const STATE = 0x0c; // u8
export const RESERVED_0D = 0x0d; // 19
export const SIZE = 0x20;
