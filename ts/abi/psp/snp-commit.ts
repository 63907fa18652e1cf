// Command buffer of SNP_COMMIT. SNP firmware ABI (AMD 56860).
export const LENGTH = 0x0; // u32
export const SIZE = 0x4;
