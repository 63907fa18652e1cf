// Command buffer of LAUNCH_SECRET, SEND_UPDATE_* and RECEIVE_UPDATE_*. SEV API (AMD 55766).
export const HANDLE = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const HEADER_PADDR = 0x08; // u64
export const HEADER_LENGTH = 0x10; // u32
export const RESERVED_14 = 0x14; // u32
export const GUEST_PADDR = 0x18; // u64
export const GUEST_LENGTH = 0x20; // u32
export const RESERVED_24 = 0x24; // u32
export const TRANS_PADDR = 0x28; // u64
export const TRANS_LENGTH = 0x30; // u32
export const SIZE = 0x34;
