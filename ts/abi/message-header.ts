// Header of a guest message; AAD is everything from ALGO on. SEV-SNP Firmware ABI (AMD 56860), 8.26; Linux sev-guest.h.
export const AUTHTAG = 0x00; // 16
export const RESERVED_10 = 0x10; // 16
export const MSG_SEQNO = 0x20; // u64
export const RESERVED_28 = 0x28; // u64
export const ALGO = 0x30; // u8
export const HDR_VERSION = 0x31; // u8
export const HDR_SIZE = 0x32; // u16
export const MSG_TYPE = 0x34; // u8
export const MSG_VERSION = 0x35; // u8
export const MSG_SIZE = 0x36; // u16
export const RESERVED_38 = 0x38; // u32
export const MSG_VMPCK = 0x3c; // u8
export const RESERVED_3D = 0x3d; // 35
export const SIZE = 0x60;
