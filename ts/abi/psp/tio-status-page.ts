// What TIO_STATUS writes. SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const LENGTH = 0x00; // u32
export const FLAGS = 0x04; // u32
export const SPDM_REQ_SIZE_MIN = 0x08; // u32
export const SPDM_REQ_SIZE_MAX = 0x0c; // u32
export const SPDM_SCRATCH_SIZE_MIN = 0x10; // u32
export const SPDM_SCRATCH_SIZE_MAX = 0x14; // u32
export const SPDM_OUT_SIZE_MIN = 0x18; // u32
export const SPDM_OUT_SIZE_MAX = 0x1c; // u32
export const SPDM_RSP_SIZE_MIN = 0x20; // u32
export const SPDM_RSP_SIZE_MAX = 0x24; // u32
export const DEVCTX_SIZE = 0x28; // u32
export const TDICTX_SIZE = 0x2c; // u32
export const TIO_CRYPTO_ALG = 0x30; // u32
export const RESERVED_34 = 0x34; // 12
export const SIZE = 0x40;

// FLAGS
export const TIO_EN_BIT = 0;
export const TIO_INIT_DONE_BIT = 1;
