// A key slot of the memory controllers: one per ASID, slot 0 for the host's SME key. Each schedule has 11 or 15 round keys.
export const ENCRYPT = 0x0000; // 240
export const DECRYPT = 0x00f0; // 240
export const XTS_TWEAK = 0x01e0; // 240
export const STATE = 0x02d0; // u32
export const OPEN_FRAMES = 0x02d4; // u32
export const ROUNDS = 0x02d8; // u32
export const XTS = 0x02dc; // u32
// The keys between the first and the last, as the kernels of assembly/aes/ want them.
export const PERMUTED_ENCRYPT = 0x02e0; // 208
export const PERMUTED_DECRYPT = 0x03b0; // 208
export const SPREAD_ENCRYPT = 0x0480; // 416
export const SPREAD_DECRYPT = 0x0620; // 416
export const SLICED_ENCRYPT = 0x07c0; // 1664
export const SLICED_DECRYPT = 0x0e40; // 1664
export const SIZE = 0x14c0;

export const COUNT = 1024;

// XTS: 1 where pages are enciphered in that mode whatever the platform's is.

// STATE
export const EMPTY = 0;
export const ACTIVE = 1;
// DEACTIVATE was answered; the key lives until no frame is open under it.
export const LEAVING = 2;
