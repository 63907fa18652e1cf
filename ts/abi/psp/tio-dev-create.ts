// Command buffer of TIO_DEV_CREATE. SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const DEV_CTX_SLA = 0x08; // u64
export const DEVICE_ID = 0x10; // u16
export const ROOT_PORT_ID = 0x12; // u16
export const SEGMENT_ID = 0x14; // u8
export const RESERVED_15 = 0x15; // 11
export const SIZE = 0x20;
