// IGVM_VHS_VP_CONTEXT: a VMSA for SNP. It ends inside a word, the structure after it on the next. microsoft/igvm, igvm_defs.
export const GPA = 0x00; // u64
export const COMPATIBILITY_MASK = 0x08; // u32
export const FILE_OFFSET = 0x0c; // u32
export const VP_INDEX = 0x10; // u16
export const RESERVED_12 = 0x12; // u16
export const SIZE = 0x14;
