// What ATTESTATION writes. SEV API (AMD 55766).
export const MNONCE = 0x00; // 16
export const LAUNCH_DIGEST = 0x10; // 32
export const POLICY = 0x30; // u32
export const SIG_USAGE = 0x34; // u32
export const SIG_ALGO = 0x38; // u32
export const RESERVED_3C = 0x3c; // u32
export const SIG_R = 0x40; // 72
export const SIG_S = 0x88; // 72
export const SIZE = 0xd0;
