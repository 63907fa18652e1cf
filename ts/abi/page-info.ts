// PAGE_INFO: what each SNP_LAUNCH_UPDATE hashes into the launch digest. SEV-SNP Firmware ABI (AMD 56860), 8.17.2.
export const DIGEST_CUR = 0x00; // 48
export const CONTENTS = 0x30; // 48
export const LENGTH = 0x60; // u16
export const PAGE_TYPE = 0x62; // u8
export const IMI_PAGE = 0x63; // u8
export const RESERVED_64 = 0x64; // u8
export const VMPL1_PERMS = 0x65; // u8
export const VMPL2_PERMS = 0x66; // u8
export const VMPL3_PERMS = 0x67; // u8
export const GPA = 0x68; // u64
export const SIZE = 0x70;

// PAGE_TYPE, as SNP_LAUNCH_UPDATE takes it.
export const NORMAL = 1;
export const VMSA = 2;
export const ZERO = 3;
export const UNMEASURED = 4;
export const SECRETS = 5;
export const CPUID = 6;
