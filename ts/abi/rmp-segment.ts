// An entry of the RMP segment table (RST), 8 bytes: what a segment covers, and where its part of the RMP is. Spec digest rmp.md 1.2.
export const SIZE = 0x8;
export const COUNT = 512;

// Whole GiB that are covered; 0: the segment is absent.
export const COVERED_LSB = 0;
export const COVERED_WIDTH = 20;
export const BASE_LSB = 20;
export const BASE_WIDTH = 32;
export const RESERVED_LSB = 52;
export const RESERVED_WIDTH = 12;
