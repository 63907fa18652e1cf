// A key slot of the memory controllers: one per ASID, slot 0 for the host's SME key.
export const ENCRYPT = 0x000; // 176
export const DECRYPT = 0x0b0; // 176
export const XTS_TWEAK = 0x160; // 176
export const STATE = 0x210; // u32
export const OPEN_FRAMES = 0x214; // u32
export const RESERVED_218 = 0x218; // 40
export const SIZE = 0x240;

export const COUNT = 1024;

// STATE
export const EMPTY = 0;
export const ACTIVE = 1;
// DEACTIVATE was answered; the key lives until no frame is open under it.
export const LEAVING = 2;
