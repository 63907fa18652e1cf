// IGVM_VHS_PARAMETER_AREA: memory that the loader fills, by an index. microsoft/igvm, igvm_defs.
export const NUMBER_OF_BYTES = 0x0; // u64
export const PARAMETER_AREA_INDEX = 0x8; // u32
export const FILE_OFFSET = 0xc; // u32
export const SIZE = 0x10;
