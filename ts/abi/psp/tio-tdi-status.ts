// Command buffer of TIO_TDI_STATUS. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const REQ_SLA = 0x08; // u64
export const RESP_SLA = 0x10; // u64
export const SCRATCH_SLA = 0x18; // u64
export const OUTPUT_SLA = 0x20; // u64
export const DEV_CTX_SLA = 0x28; // u64
export const TDI_CTX_SLA = 0x30; // u64
export const STATUS_PADDR = 0x38; // u64
export const SIZE = 0x40;
