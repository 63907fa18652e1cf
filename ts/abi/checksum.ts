// One row of the silicon's checksums of SEV-ES VMSAs. Real parts keep them in memory of the firmware's own (its TMR).
export const PAGE = 0x00; // u32
export const RESERVED_004 = 0x04; // u32
export const SUM = 0x08; // u64
export const SIZE = 0x10;

export const ROWS = 4096;
