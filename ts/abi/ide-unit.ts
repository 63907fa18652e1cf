// A unit that one MAC speaks for, as the link's cipher takes it from the window: several stand one behind the other.
export const IV = 0x000; // 12
export const AAD_BYTES = 0x00c; // u32
export const TEXT_BYTES = 0x010; // u32
export const RESERVED_014 = 0x014; // 12
export const TAG = 0x020; // 16
export const RESERVED_030 = 0x030; // 16
export const AAD = 0x040; // 192
export const TEXT = 0x100; // 2048
export const SIZE = 0x900;

// A key's forms as in a slot (ts/abi/slot.ts), and behind them what each nibble of a block comes to times H.
export const KEYS = 64;
export const KEY_SIZE = 0x3500;
export const KEY_NIBBLES = 0x1500;
export const MAC_BYTES = 12;
