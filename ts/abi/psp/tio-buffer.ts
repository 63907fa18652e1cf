// The header of a buffer that a scatter list address names.
// SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev- tio.c has it.
export const CAPACITY_SZ = 0x00; // u32
export const PAYLOAD_SZ = 0x04; // u32
export const FLAGS = 0x08; // u32
export const RESERVED_0C = 0x0c; // u32
export const IV = 0x10; // 16
export const AUTHTAG = 0x20; // 16
export const RESERVED_30 = 0x30; // 16
export const SIZE = 0x40;

// FLAGS
export const ENCRYPTION_BIT = 0;
