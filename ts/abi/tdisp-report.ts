// Device interface report up to its MMIO ranges. PCIe 11.3.11.
export const INTERFACE_INFO = 0x00; // u16
export const RESERVED_002 = 0x02; // u16
export const MSI_X_MESSAGE_CONTROL = 0x04; // u16
export const LNR_CONTROL = 0x06; // u16
export const TPH_CONTROL = 0x08; // u32
export const MMIO_RANGE_COUNT = 0x0c; // u32
export const SIZE = 0x10;

export const NO_FW_UPDATE_BIT = 0;
export const DMA_WITHOUT_PASID_BIT = 1;
