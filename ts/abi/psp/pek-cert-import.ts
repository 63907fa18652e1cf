// Command buffer of PEK_CERT_IMPORT. SEV API (AMD 55766).
export const PEK_CERT_PADDR = 0x00; // u64
export const PEK_CERT_LENGTH = 0x08; // u32
export const RESERVED_0C = 0x0c; // u32
export const OCA_CERT_PADDR = 0x10; // u64
export const OCA_CERT_LENGTH = 0x18; // u32
export const SIZE = 0x1c;
