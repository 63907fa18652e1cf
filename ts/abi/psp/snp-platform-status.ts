// Command buffer of SNP_PLATFORM_STATUS. SNP firmware ABI (AMD 56860).
export const STATUS_PADDR = 0x0; // u64
export const SIZE = 0x8;
