// Command buffer of TIO_DEV_STATUS. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const DEV_CTX_SLA = 0x08; // u64
export const STATUS_PADDR = 0x10; // u64
export const RESERVED_18 = 0x18; // u64
export const SIZE = 0x20;
