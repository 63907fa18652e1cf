// MSG_VMRK_REQ: a migration agent gives its guest a root key. SEV-SNP Firmware ABI (AMD 56860), 7.7.
export const GCTX_PADDR = 0x00; // u64
export const RESERVED_08 = 0x08; // 24
export const VMRK = 0x20; // 32
export const SIZE = 0x40;
