// TDISP_CAPABILITIES after the header. TDISP 1.0.
export const DSM_CAPS = 0x00; // u32
export const REQ_MSGS_SUPPORTED = 0x04; // 16
export const LOCK_INTERFACE_FLAGS_SUPPORTED = 0x14; // u16
export const RESERVED_016 = 0x16; // 3
export const DEV_ADDR_WIDTH = 0x19; // u8
export const NUM_REQ_THIS = 0x1a; // u8
export const NUM_REQ_ALL = 0x1b; // u8
export const SIZE = 0x1c;
