// MSG_TSC_INFO_REQ. SEV-SNP Firmware ABI (AMD 56860), 7.10; Linux snp_tsc_info_req.
export const RESERVED_00 = 0x00; // 128
export const SIZE = 0x80;
