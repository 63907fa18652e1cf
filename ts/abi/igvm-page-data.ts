// IGVM_VHS_PAGE_DATA: a page to load. microsoft/igvm, igvm_defs.
export const GPA = 0x00; // u64
export const COMPATIBILITY_MASK = 0x08; // u32
export const FILE_OFFSET = 0x0c; // u32
export const FLAGS = 0x10; // u32
export const DATA_TYPE = 0x14; // u16
export const RESERVED_16 = 0x16; // u16
export const SIZE = 0x18;

// FLAGS.
export const IS_2MB_PAGE_BIT = 0;
export const UNMEASURED_BIT = 1;
export const SHARED_BIT = 2;

// DATA_TYPE.
export const NORMAL = 0;
export const SECRETS = 1;
export const CPUID_DATA = 2;
export const CPUID_XF = 3;
