// Command buffer of PEK_CSR. SEV API (AMD 55766).
export const CSR_PADDR = 0x00; // u64
export const CSR_LENGTH = 0x08; // u32
export const SIZE = 0xc;
