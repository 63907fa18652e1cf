// Command buffer of TIO_TDI_BIND. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const REQ_SLA = 0x08; // u64
export const RESP_SLA = 0x10; // u64
export const SCRATCH_SLA = 0x18; // u64
export const OUTPUT_SLA = 0x20; // u64
export const DEV_CTX_SLA = 0x28; // u64
export const TDI_CTX_SLA = 0x30; // u64
export const GCTX_PADDR = 0x38; // u64
export const GUEST_DEVICE_ID = 0x40; // u16
export const TDISP_LOCK_FLAGS = 0x42; // u16
export const RUN = 0x44; // u16
export const RESERVED_46 = 0x46; // 10
export const SIZE = 0x50;

// RUN
export const RUN_BIT = 0;
