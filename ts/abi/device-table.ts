// What the IOMMU knows of one device: whose memory it may reach, and as whom. AMD 48882, 2.2.2 and the sDTE.
export const NCR3 = 0x00; // u64
export const ASID = 0x08; // u32
export const VMPL = 0x0c; // u32
export const MODE = 0x10; // u32
export const RESERVED_14 = 0x14; // 12
export const SIZE = 0x20;

export const ENTRIES = 256;

// MODE
export const BLOCKED = 0;
export const SHARED = 1;
// A TDI in RUN, bound by the firmware: its requests carry the T bit.
export const TRUSTED = 2;
