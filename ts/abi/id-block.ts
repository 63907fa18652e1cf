// ID_BLOCK: what the guest's owner expects of a launch. SEV-SNP Firmware ABI (AMD 56860), 8.18.
export const LD = 0x00; // 48
export const FAMILY_ID = 0x30; // 16
export const IMAGE_ID = 0x40; // 16
export const VERSION = 0x50; // u32
export const GUEST_SVN = 0x54; // u32
export const POLICY = 0x58; // u64
export const SIZE = 0x60;

export const VERSION_1 = 1;
