// NEGOTIATE_ALGORITHMS up to its lists. DSP0274 10.5.
export const RESERVED_000 = 0x00; // 4
export const LENGTH = 0x04; // u16
export const MEASUREMENT_SPECIFICATION = 0x06; // u8
export const OTHER_PARAMS_SUPPORT = 0x07; // u8
export const BASE_ASYM_ALGO = 0x08; // u32
export const BASE_HASH_ALGO = 0x0c; // u32
export const RESERVED_010 = 0x10; // 12
export const EXT_ASYM_COUNT = 0x1c; // u8
export const EXT_HASH_COUNT = 0x1d; // u8
export const RESERVED_01E = 0x1e; // u8
export const MEL_SPECIFICATION = 0x1f; // u8
export const SIZE = 0x20;

export const MAX_LENGTH = 0x80;
export const MAX_EXT_COUNT = 20;
export const EXT_BYTES = 4;
