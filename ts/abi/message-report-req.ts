// MSG_REPORT_REQ. SEV-SNP Firmware ABI (AMD 56860), 7.3; Linux snp_report_req.
export const REPORT_DATA = 0x00; // 64
export const VMPL = 0x40; // u32
export const FLAGS = 0x44; // u32
export const RESERVED_48 = 0x48; // 24
export const SIZE = 0x60;

// FLAGS.
export const KEY_SEL_LSB = 0;
export const KEY_SEL_WIDTH = 2;
