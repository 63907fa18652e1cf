// GET_TARGET_CAPABILITIES_RSP of CXL TSP. CXL 3.1, 11.5.
export const TSP_VERSION = 0x00; // u8
export const OPCODE = 0x01; // u8
export const MEMORY_ENCRYPTION_FEATURES = 0x02; // u16
export const MEMORY_ENCRYPTION_ALGORITHMS = 0x04; // u32
export const RANGE_BASED_KEYS = 0x08; // u16
export const RESERVED_00A = 0x0a; // u16
export const TE_STATE_FEATURES = 0x0c; // u16
export const RESERVED_00E = 0x0e; // u16
export const EXPLICIT_OOB_GRANULARITY = 0x10; // u32
export const EXPLICIT_IB_GRANULARITY = 0x14; // u32
export const CONFIGURATION_FEATURES = 0x18; // u16
export const RESERVED_01A = 0x1a; // u16
export const NUMBER_OF_CKIDS = 0x1c; // u32
export const NUMBER_OF_SECONDARY_SESSIONS = 0x20; // u8
export const RESERVED_021 = 0x21; // 19
export const SIZE = 0x34;
