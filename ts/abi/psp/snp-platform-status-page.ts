// What SNP_PLATFORM_STATUS writes. SNP firmware ABI (AMD 56860).
export const API_MAJOR = 0x00; // u8
export const API_MINOR = 0x01; // u8
export const STATE = 0x02; // u8
export const IS = 0x03; // u8
export const BUILD_ID = 0x04; // u32
export const FEATURES = 0x08; // u32
export const GUEST_COUNT = 0x0c; // u32
export const CURRENT_TCB = 0x10; // u64
export const REPORTED_TCB = 0x18; // u64
export const SIZE = 0x20;

// IS
export const IS_RMP_INIT_BIT = 0;
export const ALIAS_CHECK_COMPLETE_BIT = 1;
export const IS_TIO_EN_BIT = 3;

// FEATURES
export const MASK_CHIP_ID_BIT = 0;
export const MASK_CHIP_KEY_BIT = 1;
export const VLEK_EN_BIT = 2;
export const FEATURE_INFO_BIT = 3;
export const RAPL_DIS_BIT = 4;
export const CIPHERTEXT_HIDING_CAP_BIT = 5;
export const CIPHERTEXT_HIDING_EN_BIT = 6;
export const TIO_BIT = 7;
