// IGVM_VHS_SUPPORTED_PLATFORM: the bit by which later structures name a platform. microsoft/igvm, igvm_defs.
export const COMPATIBILITY_MASK = 0x0; // u32
export const HIGHEST_VTL = 0x4; // u8
export const PLATFORM_TYPE = 0x5; // u8
export const PLATFORM_VERSION = 0x6; // u16
export const SHARED_GPA_BOUNDARY = 0x8; // u64
export const SIZE = 0x10;

// PLATFORM_TYPE.
export const NATIVE = 0;
export const VSM_ISOLATION = 1;
export const SEV_SNP = 2;
export const TDX = 3;
export const SEV = 4;
export const SEV_ES = 5;
