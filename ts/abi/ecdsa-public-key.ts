// An ECDSA public key, coordinates little-endian. SEV-SNP Firmware ABI (AMD 56860), chapter 10.
export const CURVE = 0x000; // u32
export const QX = 0x004; // 72
export const QY = 0x04c; // 72
export const RESERVED_094 = 0x094; // 880
export const SIZE = 0x404;

// CURVE.
export const P384 = 2;
// Bytes of a coordinate that P-384 uses; the rest is zero.
export const P384_BYTES = 48;
