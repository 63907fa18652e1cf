// What TIO_DEV_STATUS writes. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const LENGTH = 0x00; // u32
export const CTX_STATE = 0x04; // u8
export const RESERVED_05 = 0x05; // u8
export const REQUESTS = 0x06; // u8
export const CERTS_SLOT = 0x07; // u8
export const DEVICE_ID = 0x08; // u16
export const SEGMENT_ID = 0x0a; // u8
export const TC_MASK = 0x0b; // u8
export const PENDING_COMMAND = 0x0c; // u16
export const RESERVED_0E = 0x0e; // u16
export const INTERFACE_ID = 0x10; // 12
export const DEVICE_FLAGS = 0x1c; // u8
export const RESERVED_1D = 0x1d; // 3
export const IDE_STREAM_ID = 0x20; // u64
export const RESERVED_28 = 0x28; // u64
export const CERTS_DIGEST = 0x30; // 48
export const MEAS_DIGEST = 0x60; // 48
export const TDI_COUNT = 0x90; // u32
export const BOUND_TDI_COUNT = 0x94; // u32
export const SPDM_ALGOS = 0x98; // u64
export const SIZE = 0xa0;

// REQUESTS
export const REQUEST_PENDING_BIT = 0;
export const REQUEST_PENDING_TDI_BIT = 1;

// DEVICE_FLAGS
export const MEAS_DIGEST_VALID_BIT = 0;
export const NO_FW_UPDATE_BIT = 1;
