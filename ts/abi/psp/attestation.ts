// Command buffer of ATTESTATION. SEV API (AMD 55766).
export const HANDLE = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const PADDR = 0x08; // u64
export const MNONCE = 0x10; // 16
export const LENGTH = 0x20; // u32
export const SIZE = 0x24;
