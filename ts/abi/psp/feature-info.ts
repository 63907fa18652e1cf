// What SNP_FEATURE_INFO writes. SNP firmware ABI (AMD 56860).
export const EAX = 0x00; // u32
export const EBX = 0x04; // u32
export const ECX = 0x08; // u32
export const EDX = 0x0c; // u32
export const SIZE = 0x10;

// EBX
export const TIO_BIT = 1;

// ECX
export const X86_SNP_SHUTDOWN_BIT = 1;
export const RAPL_DIS_BIT = 2;
export const CIPHERTEXT_HIDING_BIT = 3;
export const AES_256_XTS_BIT = 4;
export const CXL_BIT = 5;
export const VERIFY_MITIGATION_BIT = 13;
