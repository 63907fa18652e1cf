// MSI-X capability. PCIe 7.7.2.
export const CAPABILITY_ID = 0x00; // u8
export const NEXT = 0x01; // u8
export const MESSAGE_CONTROL = 0x02; // u16
export const TABLE = 0x04; // u32
export const PBA = 0x08; // u32
export const SIZE = 0x0c;

export const ID = 0x11;
export const FUNCTION_MASK_BIT = 14;
export const ENABLE_BIT = 15;
export const BIR_WIDTH = 3;
export const ENTRY_BYTES = 16;
