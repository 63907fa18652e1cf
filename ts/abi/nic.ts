// Registers of the emulated network loop: two rings, what is sent by one comes back by the other. A device of Cloister's own.
export const CONTROL = 0x00; // u32
export const STATUS = 0x04; // u32
export const TX_BASE = 0x08; // u64
export const TX_ENTRIES = 0x10; // u32
export const TX_TAIL = 0x14; // u32
export const RX_BASE = 0x18; // u64
export const RX_ENTRIES = 0x20; // u32
export const RX_TAIL = 0x24; // u32
export const TX_HEAD = 0x28; // u32
export const RX_HEAD = 0x2c; // u32
export const SIZE = 0x30;

// CONTROL
export const ENABLE_BIT = 0;
// STATUS: a request of its own was not answered; it stands still until it is enabled anew
export const FAULT_BIT = 0;

export const MOST_ENTRIES = 256;
export const MOST_FRAME = 9216;
