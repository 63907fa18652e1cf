// Single Root I/O Virtualization extended capability. PCIe 9.3.3.
export const EXTENDED_HEADER = 0x00; // u32
export const CAPABILITIES = 0x04; // u32
export const CONTROL = 0x08; // u16
export const STATUS = 0x0a; // u16
export const INITIAL_VFS = 0x0c; // u16
export const TOTAL_VFS = 0x0e; // u16
export const NUM_VFS = 0x10; // u16
export const FUNCTION_DEPENDENCY_LINK = 0x12; // u8
export const RESERVED_013 = 0x13; // u8
export const FIRST_VF_OFFSET = 0x14; // u16
export const VF_STRIDE = 0x16; // u16
export const RESERVED_018 = 0x18; // u16
export const VF_DEVICE_ID = 0x1a; // u16
export const SUPPORTED_PAGE_SIZES = 0x1c; // u32
export const SYSTEM_PAGE_SIZE = 0x20; // u32
export const VF_BAR0 = 0x24; // 24
export const VF_MIGRATION_STATE_ARRAY = 0x3c; // u32
export const SIZE = 0x40;

export const EXTENDED_CAPABILITY_ID = 0x10;
export const VF_ENABLE_BIT = 0;
export const VF_MEMORY_SPACE_BIT = 3;
