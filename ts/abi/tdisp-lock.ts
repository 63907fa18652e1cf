// LOCK_INTERFACE_REQUEST after the header. TDISP 1.0.
export const FLAGS = 0x00; // u16
export const DEFAULT_STREAM_ID = 0x02; // u8
export const RESERVED_003 = 0x03; // u8
export const MMIO_REPORTING_OFFSET = 0x04; // u64
export const BIND_P2P_ADDRESS_MASK = 0x0c; // u64
export const SIZE = 0x14;
