// The fixed header of an IGVM file, format version 1. microsoft/igvm, igvm_defs.
export const MAGIC = 0x00; // u32
export const FORMAT_VERSION = 0x04; // u32
export const VARIABLE_HEADER_OFFSET = 0x08; // u32
export const VARIABLE_HEADER_SIZE = 0x0c; // u32
export const TOTAL_FILE_SIZE = 0x10; // u32
export const CHECKSUM = 0x14; // u32
export const SIZE = 0x18;

// MAGIC: "IGVM".
export const IGVM = 0x4d564749;
export const VERSION_1 = 1;
