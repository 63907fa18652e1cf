// Type 0 configuration space header. PCIe 7.5.1.
export const VENDOR_ID = 0x00; // u16
export const DEVICE_ID = 0x02; // u16
export const COMMAND = 0x04; // u16
export const STATUS = 0x06; // u16
export const REVISION_ID = 0x08; // u8
export const CLASS_CODE = 0x09; // 3
export const CACHE_LINE_SIZE = 0x0c; // u8
export const LATENCY_TIMER = 0x0d; // u8
export const HEADER_TYPE = 0x0e; // u8
export const BIST = 0x0f; // u8
export const BAR0 = 0x10; // 24
export const CARDBUS_CIS = 0x28; // u32
export const SUBSYSTEM_VENDOR_ID = 0x2c; // u16
export const SUBSYSTEM_ID = 0x2e; // u16
export const EXPANSION_ROM = 0x30; // u32
export const CAPABILITIES_POINTER = 0x34; // u8
export const RESERVED_035 = 0x35; // 7
export const INTERRUPT_LINE = 0x3c; // u8
export const INTERRUPT_PIN = 0x3d; // u8
export const MIN_GNT = 0x3e; // u8
export const MAX_LAT = 0x3f; // u8
export const SIZE = 0x40;

export const SPACE_BYTES = 0x1000;
export const EXTENDED_START = 0x100;
export const BARS = 6;

// COMMAND
export const MEMORY_SPACE_BIT = 1;
export const BUS_MASTER_BIT = 2;
// STATUS
export const CAPABILITIES_LIST_BIT = 4;
// HEADER_TYPE
export const MULTI_FUNCTION_BIT = 7;
// A memory BAR: 64 bits wide, prefetchable
export const BAR_64_BIT = 2;
export const BAR_PREFETCHABLE_BIT = 3;
