// A SEV certificate, 2084 bytes: PDH, PEK, OCA, CEK. SEV API (AMD 55766). Spec digest attestation.md 8.
export const VERSION = 0x000; // u32
export const API_MAJOR = 0x004; // u8
export const API_MINOR = 0x005; // u8
export const RESERVED_006 = 0x006; // u16
export const PUBKEY_USAGE = 0x008; // u32
export const PUBKEY_ALGO = 0x00c; // u32
export const CURVE = 0x010; // u32
export const QX = 0x014; // 72
export const QY = 0x05c; // 72
export const RESERVED_0A4 = 0x0a4; // 880
export const SIG1_USAGE = 0x414; // u32
export const SIG1_ALGO = 0x418; // u32
export const SIG1_R = 0x41c; // 72
export const SIG1_S = 0x464; // 72
export const SIG1_RESERVED = 0x4ac; // 368
export const SIG2_USAGE = 0x61c; // u32
export const SIG2_ALGO = 0x620; // u32
export const SIG2_R = 0x624; // 72
export const SIG2_S = 0x66c; // 72
export const SIG2_RESERVED = 0x6b4; // 368
export const SIZE = 0x824;

// VERSION
export const VERSION_1 = 1;

// Usages
export const ARK = 0x0;
export const ASK = 0x13;
export const INVALID = 0x1000;
export const OCA = 0x1001;
export const PEK = 0x1002;
export const PDH = 0x1003;
export const CEK = 0x1004;

// Algorithms
export const ECDSA_SHA256 = 0x2;
export const ECDH_SHA256 = 0x3;
export const ECDSA_SHA384 = 0x102;
export const ECDH_SHA384 = 0x103;

// CURVE
export const P384 = 2;
