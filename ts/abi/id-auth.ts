// ID_AUTH: signatures and public keys for an ID block, one page. SEV-SNP Firmware ABI (AMD 56860), 8.18.
export const ID_KEY_ALGO = 0x000; // u32
export const AUTH_KEY_ALGO = 0x004; // u32
export const RESERVED_008 = 0x008; // 56
export const ID_BLOCK_SIG = 0x040; // 512
export const ID_KEY = 0x240; // 1028
export const RESERVED_644 = 0x644; // 60
export const ID_KEY_SIG = 0x680; // 512
export const AUTHOR_KEY = 0x880; // 1028
export const RESERVED_C84 = 0xc84; // 892
export const SIZE = 0x1000;

// ID_KEY_ALGO and AUTH_KEY_ALGO.
export const ECDSA_P384_SHA384 = 1;
