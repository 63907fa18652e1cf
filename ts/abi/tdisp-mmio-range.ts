// An MMIO range of the device interface report. PCIe 11.3.11.
export const FIRST_4K_PAGE = 0x00; // u64
export const NUM_4K_PAGES = 0x08; // u32
export const ATTRIBUTES = 0x0c; // u16
export const RANGE_ID = 0x0e; // u16
export const SIZE = 0x10;

export const MSI_X_TABLE_BIT = 0;
export const MSI_X_PBA_BIT = 1;
export const IS_NON_TEE_MEM_BIT = 2;
export const IS_MEM_ATTR_UPDATABLE_BIT = 3;
