// Command buffer of GUEST_STATUS. SEV API (AMD 55766).
export const HANDLE = 0x00; // u32
export const POLICY = 0x04; // u32
export const ASID = 0x08; // u32
export const STATE = 0x0c; // u8
export const SIZE = 0xd;
