// GET_TARGET_CONFIGURATION_RSP of CXL TSP; SET_TARGET_CONFIGURATION begins alike. CXL 3.1, 11.5.
export const TSP_VERSION = 0x00; // u8
export const OPCODE = 0x01; // u8
export const SETTINGS = 0x02; // 34
export const CURRENT_TSP_STATE = 0x24; // u8
export const RESERVED_025 = 0x25; // 11
export const IB_GRANULARITY_ENTRIES = 0x30; // 128
export const RESERVED_0B0 = 0xb0; // 16
export const SIZE = 0xc0;

export const SET_SIZE = 0x160;
