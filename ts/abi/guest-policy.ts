// The guest policy word, by bit. SEV-SNP Firmware ABI (AMD 56860), 4.3; the field guide's own word below it.
export const ABI_MINOR_LSB = 0;
export const ABI_MINOR_WIDTH = 8;
export const ABI_MAJOR_LSB = 8;
export const ABI_MAJOR_WIDTH = 8;
export const SMT_BIT = 16;
export const RESERVED_ONE_BIT = 17;
export const MIGRATE_MA_BIT = 18;
export const DEBUG_BIT = 19;
export const SINGLE_SOCKET_BIT = 20;
export const CXL_ALLOW_BIT = 21;
export const MEM_AES_256_XTS_BIT = 22;
export const RAPL_DIS_BIT = 23;
export const CIPHERTEXT_HIDING_DRAM_BIT = 24;
export const PAGE_SWAP_DISABLE_BIT = 25;
export const WIDTH = 26;

// DESIGN.md, section 5: the same word as the field guide describes it.
export const GUIDE_NO_DEBUG_BIT = 0;
export const GUIDE_ES_BIT = 1;
export const GUIDE_SMT_BIT = 2;
export const GUIDE_DEBUG_SWAP_BIT = 3;
export const GUIDE_PREVENT_HOST_IBS_BIT = 4;
export const GUIDE_BTB_ISOLATION_BIT = 5;
export const GUIDE_SMT_REQUIRED_BIT = 6;
export const GUIDE_MIGRATE_MA_BIT = 18;
