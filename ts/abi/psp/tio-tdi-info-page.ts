// What TIO_TDI_INFO writes. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const LENGTH = 0x00; // u32
export const INTERFACE_ID = 0x04; // 12
export const TDI_FLAGS = 0x10; // u32
export const TDISP_LOCK_FLAGS = 0x14; // u32
export const SPDM_ALGOS = 0x18; // u64
export const CERTS_DIGEST = 0x20; // 48
export const MEAS_DIGEST = 0x50; // 48
export const REPORT_DIGEST = 0x80; // 48
export const REPORT_COUNTER = 0xb0; // u64
export const ASID = 0xb8; // u32
export const RESERVED_BC = 0xbc; // u32
export const SIZE = 0xc0;

// TDI_FLAGS
export const MEAS_DIGEST_VALID_BIT = 0;
export const MEAS_DIGEST_FRESH_BIT = 1;
export const TDI_STATUS_LSB = 2;
export const TDI_STATUS_WIDTH = 2;
