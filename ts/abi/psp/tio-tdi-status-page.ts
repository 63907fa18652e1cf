// What TIO_TDI_STATUS writes. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series of 2025 has it.
export const LENGTH = 0x00; // u32
export const TDISP_STATE = 0x04; // u8
export const RESERVED_05 = 0x05; // 11
export const SIZE = 0x10;
