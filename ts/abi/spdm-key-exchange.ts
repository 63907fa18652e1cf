// KEY_EXCHANGE and KEY_EXCHANGE_RSP up to the exchange data. DSP0274 10.13.
export const RESERVED_000 = 0x00; // 4
export const SESSION_ID = 0x04; // u16
export const SESSION_POLICY = 0x06; // u8
export const RESERVED_007 = 0x07; // u8
export const RANDOM_DATA = 0x08; // 32
export const SIZE = 0x28;

// KEY_EXCHANGE_RSP
export const MUT_AUTH_REQUESTED = 0x06;
export const SLOT_ID_PARAM = 0x07;
