// Command buffer of RECEIVE_START. SEV API (AMD 55766).
export const HANDLE = 0x00; // u32
export const POLICY = 0x04; // u32
export const PDH_CERT_PADDR = 0x08; // u64
export const PDH_CERT_LENGTH = 0x10; // u32
export const RESERVED_14 = 0x14; // u32
export const SESSION_PADDR = 0x18; // u64
export const SESSION_LENGTH = 0x20; // u32
export const SIZE = 0x24;
