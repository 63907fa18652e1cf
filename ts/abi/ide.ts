// Integrity and Data Encryption extended capability up to its blocks. PCIe 7.9.26.
export const EXTENDED_HEADER = 0x00; // u32
export const CAPABILITY = 0x04; // u32
export const CONTROL = 0x08; // u32
export const SIZE = 0x0c;

export const EXTENDED_CAPABILITY_ID = 0x30;

// CAPABILITY
export const LINK_IDE_BIT = 0;
export const SELECTIVE_IDE_BIT = 1;
export const AGGREGATION_BIT = 4;
export const IDE_KM_BIT = 6;
export const LINK_TCS_LSB = 13;
export const LINK_TCS_WIDTH = 3;
export const SELECTIVE_STREAMS_LSB = 16;
export const SELECTIVE_STREAMS_WIDTH = 8;
export const TEE_LIMITED_BIT = 24;
