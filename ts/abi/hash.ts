// The running SHA-384 of the core: state, the block that is being filled, bytes seen, the last 16 words of the message schedule.
export const STATE = 0x000; // 64
export const BLOCK = 0x040; // 128
export const SEEN = 0x0c0; // u64
export const RESERVED_0C8 = 0x0c8; // 56
export const SCHEDULE = 0x100; // 128
export const SIZE = 0x180;
