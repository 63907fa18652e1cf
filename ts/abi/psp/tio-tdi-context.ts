// The plaintext of a TDI context page. Cloister's own: AMD does not publish it.
export const STATE = 0x000; // u32
export const FUNCTION_ID = 0x004; // u32
export const DEVICE_CTX = 0x008; // u64
export const GCTX = 0x010; // u64
export const ASID = 0x018; // u32
export const GUEST_DEVICE_ID = 0x01c; // u16
export const TDISP_LOCK_FLAGS = 0x01e; // u16
export const REPORTING_OFFSET = 0x020; // u64
export const START_NONCE = 0x028; // 32
export const REPORT_COUNTER = 0x048; // u64
export const REPORT_DIGEST = 0x050; // 48
export const FLAGS = 0x080; // u32
export const MEAS_AT_BIND = 0x084; // u32
export const RESERVED_088 = 0x088; // u32
export const RANGE_COUNT = 0x08c; // u32
export const RANGES = 0x090; // 1024
export const SIZE = 0x490;

// FLAGS
export const SDTE_VALID_BIT = 0;
