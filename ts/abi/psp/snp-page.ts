// Command buffer of SNP_PAGE_RECLAIM and SNP_PAGE_UNSMASH. SNP firmware ABI (AMD 56860).
export const PAGE_PADDR = 0x0; // u64
export const SIZE = 0x8;

// PAGE_PADDR
export const PAGE_SIZE_BIT = 0;
