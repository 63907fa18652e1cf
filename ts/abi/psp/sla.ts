// A scatter list address, and the lists of them. SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const ADDRESS = 0x00; // u64
export const SIZE = 0x08;

// ADDRESS
export const PAGE_TYPE_SCATTER_BIT = 0;
export const PAGE_SIZE_2M_BIT = 1;
export const PFN_LSB = 12;
export const PFN_WIDTH = 40;
