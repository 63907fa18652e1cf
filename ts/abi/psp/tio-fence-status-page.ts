// What TIO_ASID_FENCE_STATUS writes. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const FENCES = 0x00; // u64
export const SIZE = 0x08;

// FENCES
export const DMA_LSB = 0;
export const DMA_WIDTH = 2;
export const MMIO_LSB = 2;
export const MMIO_WIDTH = 2;
