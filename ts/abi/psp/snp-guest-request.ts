// Command buffer of SNP_GUEST_REQUEST. SNP firmware ABI (AMD 56860).
export const GCTX_PADDR = 0x00; // u64
export const REQUEST_PADDR = 0x08; // u64
export const RESPONSE_PADDR = 0x10; // u64
export const SIZE = 0x18;
