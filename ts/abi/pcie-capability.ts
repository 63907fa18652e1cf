// PCI Express capability up to the device registers. PCIe 7.5.3.
export const CAPABILITY_ID = 0x00; // u8
export const NEXT = 0x01; // u8
export const CAPABILITIES = 0x02; // u16
export const DEVICE_CAPABILITIES = 0x04; // u32
export const DEVICE_CONTROL = 0x08; // u16
export const DEVICE_STATUS = 0x0a; // u16
export const LINK_CAPABILITIES = 0x0c; // u32
export const RESERVED_010 = 0x10; // 44
export const SIZE = 0x3c;

export const ID = 0x10;
// CAPABILITIES
export const PORT_TYPE_LSB = 4;
export const ROOT_PORT = 4;
// LINK_CAPABILITIES
export const PORT_NUMBER_LSB = 24;

export const FLR_CAPABLE_BIT = 28;
export const TEE_IO_SUPPORTED_BIT = 30;
export const PHANTOM_FUNCTIONS_ENABLE_BIT = 9;
export const INITIATE_FLR_BIT = 15;
