// Command buffer of SNP_LAUNCH_FINISH. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const ID_BLOCK_PADDR = 0x08; // u64
export const ID_AUTH_PADDR = 0x10; // u64
export const FLAGS = 0x18; // u64
export const HOST_DATA = 0x20; // 32
export const SIZE = 0x40;

// FLAGS
export const ID_BLOCK_EN_BIT = 0;
export const AUTH_KEY_EN_BIT = 1;
export const VCEK_DIS_BIT = 2;
