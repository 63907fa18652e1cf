// MSG_EXPORT_RSP. SEV-SNP Firmware ABI (AMD 56860), 7.4.
export const STATUS = 0x00; // u32
export const GCTX_SIZE = 0x04; // u32
export const GCTX_VERSION = 0x08; // u32
export const RESERVED_0C = 0x0c; // 20
export const GCTX = 0x20; // 768
export const SIZE = 0x320;
