// MSG_TSC_INFO_RSP. SEV-SNP Firmware ABI (AMD 56860), 7.10; Linux snp_tsc_info_resp.
export const STATUS = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const GUEST_TSC_SCALE = 0x08; // u64
export const GUEST_TSC_OFFSET = 0x10; // u64
export const TSC_FACTOR = 0x18; // u32
export const RESERVED_1C = 0x1c; // 100
export const SIZE = 0x80;

// GUEST_TSC_SCALE is a fixed-point number: bits of fraction.
export const SCALE_FRACTION_WIDTH = 32;
// TSC_FACTOR counts hundred-thousandths that spread-spectrum clocking takes off.
export const FACTOR_UNIT = 100000;
