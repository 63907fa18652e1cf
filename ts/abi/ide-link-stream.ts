// A Link IDE stream register block, for one traffic class; CONTROL and STATUS as in ts/abi/ide-selective.ts. PCIe 7.9.26.4.
export const CONTROL = 0x00; // u32
export const STATUS = 0x04; // u32
export const SIZE = 0x08;
