// A Selective IDE stream register block with one address association block. PCIe 7.9.26.5.
export const CAPABILITY = 0x00; // u32
export const CONTROL = 0x04; // u32
export const STATUS = 0x08; // u32
export const RID1 = 0x0c; // u32
export const RID2 = 0x10; // u32
export const ADDRESS1 = 0x14; // u32
export const ADDRESS2 = 0x18; // u32
export const ADDRESS3 = 0x1c; // u32
export const SIZE = 0x20;

// CONTROL
export const ENABLE_BIT = 0;
// How many TLPs a MAC may speak for: 0 one, 1 up to two, 2 four, 3 eight.
export const AGGREGATION_NPR_LSB = 2;
export const AGGREGATION_PR_LSB = 4;
export const AGGREGATION_CPL_LSB = 6;
export const AGGREGATION_WIDTH = 2;
export const TC_LSB = 19;
export const TC_WIDTH = 3;
export const DEFAULT_STREAM_BIT = 22;
export const TEE_LIMITED_BIT = 23;
export const STREAM_ID_LSB = 24;
export const STREAM_ID_WIDTH = 8;

// STATUS
export const STATE_WIDTH = 4;
export const INSECURE = 0;
export const SECURE = 2;
export const FAIL_RECEIVED_BIT = 31;

// RID1 and RID2
export const RID_LIMIT_LSB = 8;
export const RID_VALID_BIT = 0;
export const RID_BASE_LSB = 8;
export const RID_WIDTH = 16;
