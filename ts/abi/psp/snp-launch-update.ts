// Command buffer of SNP_LAUNCH_UPDATE. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const FLAGS = 0x08; // u32
export const RESERVED_0C = 0x0c; // u32
export const PAGE_PADDR = 0x10; // u64
export const RESERVED_18 = 0x18; // u8
export const VMPL1_PERMS = 0x19; // u8
export const VMPL2_PERMS = 0x1a; // u8
export const VMPL3_PERMS = 0x1b; // u8
export const RESERVED_1C = 0x1c; // u32
export const SIZE = 0x20;

// FLAGS
export const PAGE_SIZE_BIT = 0;
export const PAGE_TYPE_LSB = 1;
export const PAGE_TYPE_WIDTH = 3;
export const IMI_PAGE_BIT = 4;
