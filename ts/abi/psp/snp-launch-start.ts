// Command buffer of SNP_LAUNCH_START. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const POLICY = 0x08; // u64
export const MA_GCTX_PADDR = 0x10; // u64
export const FLAGS = 0x18; // u32
export const DESIRED_TSC_KHZ = 0x1c; // u32
export const GOSVW = 0x20; // 16
export const SIZE = 0x30;

// FLAGS
export const MA_EN_BIT = 0;
export const IMI_EN_BIT = 1;
