// ALGORITHMS up to its lists. DSP0274 10.5.
export const RESERVED_000 = 0x00; // 4
export const LENGTH = 0x04; // u16
export const MEASUREMENT_SPECIFICATION_SEL = 0x06; // u8
export const OTHER_PARAMS_SEL = 0x07; // u8
export const MEASUREMENT_HASH_ALGO = 0x08; // u32
export const BASE_ASYM_SEL = 0x0c; // u32
export const BASE_HASH_SEL = 0x10; // u32
export const RESERVED_014 = 0x14; // 11
export const MEL_SPECIFICATION_SEL = 0x1f; // u8
export const EXT_ASYM_SEL_COUNT = 0x20; // u8
export const EXT_HASH_SEL_COUNT = 0x21; // u8
export const RESERVED_022 = 0x22; // u16
export const SIZE = 0x24;
