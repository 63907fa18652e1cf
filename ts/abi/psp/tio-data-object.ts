// CERTIFICATE, MEASUREMENT and REPORT: what the firmware has of a device.
// SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const ID = 0x00; // u32
export const LENGTH = 0x04; // u32
export const VERSION_MINOR = 0x08; // u8
export const VERSION_MAJOR = 0x09; // u8
export const RESERVED_0A = 0x0a; // 6
export const DEVICE_ID = 0x10; // u16
export const SEGMENT_ID = 0x12; // u8
export const TYPE = 0x13; // u8
export const RESERVED_14 = 0x14; // 12
export const SIZE = 0x20;
