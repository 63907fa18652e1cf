// IGVM_VHS_GUEST_POLICY. microsoft/igvm, igvm_defs.
export const POLICY = 0x0; // u64
export const COMPATIBILITY_MASK = 0x8; // u32
export const RESERVED_C = 0xc; // u32
export const SIZE = 0x10;
