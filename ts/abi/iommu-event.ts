// An entry of the IOMMU's event log. AMD 48882, 2.5; Linux amd_iommu_types.h.
export const DEVICE_ID = 0x00; // u16
export const RESERVED_02 = 0x02; // u16
export const DOMAIN_ID = 0x04; // u16
export const CODE_FLAGS = 0x06; // u16
export const ADDRESS = 0x08; // u64
export const SIZE = 0x10;

// CODE_FLAGS
export const RW_BIT = 5;
export const CODE_LSB = 12;

// Linux makes its log this long.
export const ENTRIES = 512;
