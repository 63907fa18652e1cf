// Head of an AMD CA certificate in `ask_ark.cert`; exponent, modulus and signature follow. SEV API (AMD 55766), B.
export const VERSION = 0x00; // u32
export const KEY_ID = 0x04; // 16
export const CERTIFYING_ID = 0x14; // 16
export const KEY_USAGE = 0x24; // u32
export const RESERVED_28 = 0x28; // 16
export const PUB_EXP_SIZE = 0x38; // u32
export const MODULUS_SIZE = 0x3c; // u32
export const SIZE = 0x40;

// KEY_USAGE.
export const USAGE_ARK = 0x00;
export const USAGE_ASK = 0x13;
