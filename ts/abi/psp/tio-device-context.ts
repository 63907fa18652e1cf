// The plaintext of a device context page. Cloister's own: AMD does not publish it.
export const STATE = 0x00; // u32
export const DEVICE_ID = 0x04; // u16
export const ROOT_PORT_ID = 0x06; // u16
export const SEGMENT_ID = 0x08; // u8
export const TC_MASK = 0x09; // u8
export const CERT_SLOT = 0x0a; // u8
export const KEY_SET = 0x0b; // u8
export const MEAS_COUNT = 0x0c; // u32
export const IDE_STREAM_ID = 0x10; // u64
export const SPDM_ALGOS = 0x18; // u64
export const CERTS_DIGEST = 0x20; // 48
export const MEAS_DIGEST = 0x50; // 48
export const TDI_COUNT = 0x80; // u32
export const BOUND_TDI_COUNT = 0x84; // u32
export const SIZE = 0x88;
