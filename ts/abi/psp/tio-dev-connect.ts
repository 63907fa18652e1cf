// Command buffer of TIO_DEV_CONNECT. SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const LENGTH = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const REQ_SLA = 0x08; // u64
export const RESP_SLA = 0x10; // u64
export const SCRATCH_SLA = 0x18; // u64
export const OUTPUT_SLA = 0x20; // u64
export const RESERVED_28 = 0x28; // u64
export const DEV_CTX_SLA = 0x30; // u64
export const TC_MASK = 0x38; // u8
export const CERT_SLOT = 0x39; // u8
export const RESERVED_3A = 0x3a; // 6
export const IDE_STREAM_ID = 0x40; // u64
export const RESERVED_48 = 0x48; // u64
export const SIZE = 0x50;
