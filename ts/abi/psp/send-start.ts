// Command buffer of SEND_START. SEV API (AMD 55766).
export const HANDLE = 0x00; // u32
export const POLICY = 0x04; // u32
export const PDH_CERT_PADDR = 0x08; // u64
export const PDH_CERT_LENGTH = 0x10; // u32
export const RESERVED_14 = 0x14; // u32
export const PLAT_CERTS_PADDR = 0x18; // u64
export const PLAT_CERTS_LENGTH = 0x20; // u32
export const RESERVED_24 = 0x24; // u32
export const AMD_CERTS_PADDR = 0x28; // u64
export const AMD_CERTS_LENGTH = 0x30; // u32
export const RESERVED_34 = 0x34; // u32
export const SESSION_PADDR = 0x38; // u64
export const SESSION_LENGTH = 0x40; // u32
export const SIZE = 0x44;
