// ATTESTATION_REPORT, versions 2 to 5. SEV-SNP Firmware ABI (AMD 56860), MSG_REPORT_RSP.
export const VERSION = 0x000; // u32
export const GUEST_SVN = 0x004; // u32
export const POLICY = 0x008; // u64
export const FAMILY_ID = 0x010; // 16
export const IMAGE_ID = 0x020; // 16
export const VMPL = 0x030; // u32
export const SIGNATURE_ALGO = 0x034; // u32
export const CURRENT_TCB = 0x038; // u64
export const PLATFORM_INFO = 0x040; // u64
export const SIGNER_INFO = 0x048; // u32
export const RESERVED_04C = 0x04c; // u32
export const REPORT_DATA = 0x050; // 64
export const MEASUREMENT = 0x090; // 48
export const HOST_DATA = 0x0c0; // 32
export const ID_KEY_DIGEST = 0x0e0; // 48
export const AUTHOR_KEY_DIGEST = 0x110; // 48
export const REPORT_ID = 0x140; // 32
export const REPORT_ID_MA = 0x160; // 32
export const REPORTED_TCB = 0x180; // u64
export const CPUID_FAM_ID = 0x188; // u8
export const CPUID_MOD_ID = 0x189; // u8
export const CPUID_STEP = 0x18a; // u8
export const RESERVED_18B = 0x18b; // 21
export const CHIP_ID = 0x1a0; // 64
export const COMMITTED_TCB = 0x1e0; // u64
export const CURRENT_BUILD = 0x1e8; // u8
export const CURRENT_MINOR = 0x1e9; // u8
export const CURRENT_MAJOR = 0x1ea; // u8
export const RESERVED_1EB = 0x1eb; // u8
export const COMMITTED_BUILD = 0x1ec; // u8
export const COMMITTED_MINOR = 0x1ed; // u8
export const COMMITTED_MAJOR = 0x1ee; // u8
export const RESERVED_1EF = 0x1ef; // u8
export const LAUNCH_TCB = 0x1f0; // u64
export const LAUNCH_MIT_VECTOR = 0x1f8; // u64
export const CURRENT_MIT_VECTOR = 0x200; // u64
export const RESERVED_208 = 0x208; // 152
export const SIGNATURE_R = 0x2a0; // 72
export const SIGNATURE_S = 0x2e8; // 72
export const RESERVED_330 = 0x330; // 368
export const SIZE = 0x4a0;

// The signature covers everything before it.
export const SIGNED_BYTES = 0x2a0;

// SIGNER_INFO.
export const AUTHOR_KEY_EN_BIT = 0;
export const MASK_CHIP_KEY_BIT = 1;
export const SIGNING_KEY_LSB = 2;
export const SIGNING_KEY_WIDTH = 3;
export const SIGNER_INFO_WIDTH = 5;

// SIGNING_KEY.
export const SIGNING_KEY_VCEK = 0;
export const SIGNING_KEY_VLEK = 1;
export const SIGNING_KEY_NONE = 7;

// SIGNATURE_ALGO.
export const ECDSA_P384_SHA384 = 1;

// PLATFORM_INFO.
export const SMT_EN_BIT = 0;
export const TSME_EN_BIT = 1;
export const ECC_EN_BIT = 2;
export const RAPL_DIS_BIT = 3;
export const CIPHERTEXT_HIDING_DRAM_EN_BIT = 4;
export const ALIAS_CHECK_COMPLETE_BIT = 5;
export const PLATFORM_INFO_RESERVED_BIT = 6;
export const TIO_EN_BIT = 7;
export const PLATFORM_INFO_WIDTH = 8;
