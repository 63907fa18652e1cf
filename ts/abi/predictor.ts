// One entry of the model of an indirect branch predictor: where a branch went last, and in whose domain.
export const FROM = 0x00; // u64
export const TO = 0x08; // u64
export const DOMAIN = 0x10; // u32
export const RESERVED_014 = 0x14; // 12
export const SIZE = 0x20;

export const ENTRIES = 128;
// DOMAIN of what the host trained; a guest's is its ASID.
export const HOST = 0;
