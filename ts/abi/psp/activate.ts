// Command buffer of ACTIVATE. SEV API (AMD 55766).
export const HANDLE = 0x00; // u32
export const ASID = 0x04; // u32
export const SIZE = 0x8;
