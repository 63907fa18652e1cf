// What the firmware keeps in its flash, sealed under the chip's key. Cloister's own.
export const FORMAT = 0x000; // u32
export const FLAGS = 0x004; // u32
export const BOOTS = 0x008; // u32
export const MAJOR = 0x00c; // u8
export const MINOR = 0x00d; // u8
export const BUILD = 0x00e; // u8
export const RESERVED_00F = 0x00f; // u8
export const COMMITTED_TCB = 0x010; // u64
export const MITIGATION_VECTOR = 0x018; // u64
// 0: follows COMMITTED_TCB.
export const REPORTED_TCB = 0x020; // u64
export const HASHSTICK = 0x028; // 432
export const SIZE = 0x1d8;

export const FORMAT_1 = 1;

// FLAGS
export const MASK_CHIP_ID_BIT = 0;
export const MASK_CHIP_KEY_BIT = 1;
export const VLEK_BIT = 2;
