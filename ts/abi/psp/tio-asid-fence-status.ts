// Command buffer of TIO_ASID_FENCE_STATUS. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const DEV_CTX_SLA = 0x08; // u64
export const ASID = 0x10; // u32
export const STATUS_PADDR = 0x14; // u64
export const RESERVED_1C = 0x1c; // u32
export const SIZE = 0x20;
