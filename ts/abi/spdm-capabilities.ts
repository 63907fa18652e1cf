// GET_CAPABILITIES and CAPABILITIES. DSP0274 10.4; version 1.1 ends after FLAGS.
export const RESERVED_000 = 0x00; // 4
export const RESERVED_004 = 0x04; // u8
export const CT_EXPONENT = 0x05; // u8
export const RESERVED_006 = 0x06; // u16
export const FLAGS = 0x08; // u32
export const DATA_TRANSFER_SIZE = 0x0c; // u32
export const MAX_SPDM_MSG_SIZE = 0x10; // u32
export const SIZE = 0x14;

export const SIZE_1_1 = 0x0c;
export const SUPPORTED_ALGORITHMS_BIT = 0;
