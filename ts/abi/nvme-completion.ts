// A completion queue entry. NVM Express base specification 2.0, figure 90.
export const RESULT = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const SQ_HEAD = 0x08; // u16
export const SQ_ID = 0x0a; // u16
export const COMMAND_ID = 0x0c; // u16
export const STATUS = 0x0e; // u16
export const SIZE = 0x10;

// STATUS
export const PHASE_BIT = 0;
export const STATUS_LSB = 1;
