// Counters of what happened, u64 each.
export const WALKS = 0x00; // u64
export const RMP_CHECKS = 0x08; // u64
export const NPF = 0x10; // u64
export const EXITS = 0x18; // u64
export const RMPUPDATES = 0x20; // u64
export const PVALIDATES = 0x28; // u64
export const LINES_ENCRYPTED = 0x30; // u64
export const LINES_DECRYPTED = 0x38; // u64
export const BYTES_BOUNCED = 0x40; // u64
export const BYTES_DMA = 0x48; // u64
// Units that a MAC of IDE speaks for, and the bytes of data in them, as they are sealed.
export const IDE_UNITS = 0x50; // u64
export const IDE_BYTES = 0x58; // u64
export const SIZE = 0x60;
