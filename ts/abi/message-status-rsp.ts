// MSG_VMRK_RSP, MSG_IMPORT_RSP, MSG_ABSORB_RSP and MSG_ABSORB_NOMA_RSP. SEV-SNP Firmware ABI (AMD 56860), 7.
export const STATUS = 0x00; // u32
export const RESERVED_04 = 0x04; // 12
export const SIZE = 0x10;
