// Command buffer of TIO_DEV_DISCONNECT. SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const LENGTH = 0x00; // u32
export const FLAGS = 0x04; // u32
export const REQ_SLA = 0x08; // u64
export const RESP_SLA = 0x10; // u64
export const SCRATCH_SLA = 0x18; // u64
export const OUTPUT_SLA = 0x20; // u64
export const DEV_CTX_SLA = 0x28; // u64
export const SIZE = 0x30;

// FLAGS
export const FORCE_BIT = 0;
