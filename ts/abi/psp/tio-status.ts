// Command buffer of TIO_STATUS. SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const STATUS_PADDR = 0x08; // u64
export const SIZE = 0x10;
