// GET_CERTIFICATE and CERTIFICATE. DSP0274 10.7.
export const RESERVED_000 = 0x00; // 4
export const OFFSET = 0x04; // u16
export const LENGTH = 0x06; // u16
export const SIZE = 0x08;

// CERTIFICATE has the same shape.
export const PORTION_LENGTH = 0x04;
export const REMAINDER_LENGTH = 0x06;
export const SLOT_WIDTH = 4;
export const SLOT_SIZE_REQUESTED_BIT = 0;

// Certificate chain header: length, reserved, then the root's hash.
export const CHAIN_LENGTH = 0x00;
export const CHAIN_ROOT_HASH = 0x04;
