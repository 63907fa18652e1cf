// Command buffer of SNP_SHUTDOWN_EX. SNP firmware ABI (AMD 56860).
export const LENGTH = 0x0; // u32
export const FLAGS = 0x4; // u32
export const SIZE = 0x8;

// FLAGS
export const IOMMU_SNP_SHUTDOWN_BIT = 0;
export const X86_SNP_SHUTDOWN_BIT = 1;
