// The header of a firmware image for DOWNLOAD_FIRMWARE; the signature covers all before it. Cloister's own: AMD publishes none.
export const MAGIC = 0x00; // 16
export const MAJOR = 0x10; // u8
export const MINOR = 0x11; // u8
export const BUILD = 0x12; // u8
export const SVN = 0x13; // u8
export const FLAGS = 0x14; // u32
export const MITIGATION_VECTOR = 0x18; // u64
export const PRODUCT = 0x20; // 16
export const RESERVED_30 = 0x30; // 16
export const SIGNATURE = 0x40; // 96
export const SIZE = 0xa0;

// FLAGS
export const SHUTDOWN_REQUIRED_BIT = 0;
