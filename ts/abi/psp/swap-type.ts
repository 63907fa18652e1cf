// PAGE_TYPE of SNP_PAGE_SWAP_OUT and SNP_PAGE_SWAP_IN. SNP firmware ABI (AMD 56860).
export const DATA = 0;
export const METADATA = 1;
export const VMSA = 2;
