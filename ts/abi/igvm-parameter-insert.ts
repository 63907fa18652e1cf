// IGVM_VHS_PARAMETER_INSERT: where a parameter area goes. microsoft/igvm, igvm_defs.
export const GPA = 0x0; // u64
export const COMPATIBILITY_MASK = 0x8; // u32
export const PARAMETER_AREA_INDEX = 0xc; // u32
export const SIZE = 0x10;
