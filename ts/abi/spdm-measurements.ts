// MEASUREMENTS up to its record. DSP0274 10.11.
export const RESERVED_000 = 0x00; // 4
export const NUMBER_OF_BLOCKS = 0x04; // u8
export const MEASUREMENT_RECORD_LENGTH = 0x05; // 3
export const SIZE = 0x08;

// GET_MEASUREMENTS with a signature
export const NONCE = 0x04;
export const SLOT_ID_PARAM = 0x24;

// Content change, PARAM2 of MEASUREMENTS
export const CONTENT_CHANGED_LSB = 4;
export const NO_CHANGE_DETECTED = 2;
