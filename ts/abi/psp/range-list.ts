// The head of a RANGE_LIST, pages that become HV-Fixed: then come COUNT ranges. SNP firmware ABI (AMD 56860).
export const COUNT = 0x0; // u32
export const RESERVED_04 = 0x4; // u32
export const SIZE = 0x8;
