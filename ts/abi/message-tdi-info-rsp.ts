// MSG_TDI_INFO_RSP. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series and OpenVMM (revision 0.91) have it.
export const GUEST_DEVICE_ID = 0x00; // u16
export const STATUS = 0x02; // u16
export const RESERVED_04 = 0x04; // 12
export const MEAS_FLAGS = 0x10; // u32
export const TDISP_LOCK_FLAGS = 0x14; // u32
export const SPDM_ALGOS = 0x18; // u64
export const CERTS_DIGEST = 0x20; // 48
export const MEAS_DIGEST = 0x50; // 48
export const REPORT_DIGEST = 0x80; // 48
export const REPORT_COUNTER = 0xb0; // u64
export const RESERVED_B8 = 0xb8; // u64
export const SIZE = 0xc0;

// MEAS_FLAGS
export const MEAS_DIGEST_VALID_BIT = 0;
export const MEAS_DIGEST_FRESH_BIT = 1;
