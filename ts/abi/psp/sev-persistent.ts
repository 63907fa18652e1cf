// What the firmware keeps of the legacy platform in its flash, sealed under the chip's key. Cloister's own.
export const FLAGS = 0x0000; // u32
export const RESERVED_0004 = 0x0004; // 12
export const PEK = 0x0010; // 48
export const PDH = 0x0040; // 48
export const PEK_CERT = 0x0070; // 2084
export const OCA_CERT = 0x0894; // 2084
export const SIZE = 0x10b8;

// FLAGS
export const OWNED_BIT = 0;
