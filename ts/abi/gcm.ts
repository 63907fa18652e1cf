// AES-GCM's own memory in the core.
// The key as in a slot of the memory controllers (ts/abi/slot.ts), but nobody's ASID.
export const KEY = 0x0000; // 5376
// H times each byte, and what a byte shifted out comes to.
export const MULTIPLES = 0x1500; // 4096
export const REDUCED = 0x2500; // 2048
export const RESERVED_2D00 = 0x2d00; // 768
export const COUNTERS = 0x3000; // 4096
export const TAG = 0x4000; // 16
export const LAST_BLOCK = 0x4010; // 16
export const RESERVED_4020 = 0x4020; // 4064
export const SIZE = 0x5000;
