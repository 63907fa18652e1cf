// Command buffer of SNP_VERIFY_MITIGATION. SNP firmware ABI (AMD 56860).
export const LENGTH = 0x00; // u32
export const SUBCOMMAND = 0x04; // u16
export const RESERVED_06 = 0x06; // u16
export const VECTOR = 0x08; // u64
export const FLAGS = 0x10; // u32
export const RESERVED_14 = 0x14; // u32
export const SRC_PADDR = 0x18; // u64
export const DST_PADDR = 0x20; // u64
export const RESERVED_28 = 0x28; // 24
export const SIZE = 0x40;

// FLAGS
export const DST_PADDR_EN_BIT = 0;
export const SRC_PADDR_EN_BIT = 1;
