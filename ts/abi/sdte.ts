// A secure device table entry, 512 bits, as a guest writes it: positions are within each quadword.
// AMD 58271, a draft: Linux sev_guest_tio.c of 2025.
export const WORD_0 = 0x00; // u64
export const WORD_1 = 0x08; // u64
export const WORD_2 = 0x10; // u64
export const WORD_3 = 0x18; // u64
export const WORD_4 = 0x20; // u64
export const WORD_5 = 0x28; // u64
export const WORD_6 = 0x30; // u64
export const WORD_7 = 0x38; // u64
export const SIZE = 0x40;

// WORD_0
export const V_BIT = 0;
export const IR_BIT = 61;
export const IW_BIT = 62;

// WORD_3
export const ASID_LSB = 0;
export const ASID_WIDTH = 12;
export const GUEST_DEVICE_ID_LSB = 16;
export const GUEST_DEVICE_ID_WIDTH = 16;
export const VMPL_LSB = 49;
export const VMPL_WIDTH = 2;

// WORD_5; VTOM has the address's bits from VTOM_ADDRESS_LSB on
export const VTOM_EN_BIT = 0;
export const VTOM_LSB = 1;
export const VTOM_WIDTH = 31;
export const VTOM_ADDRESS_LSB = 21;
