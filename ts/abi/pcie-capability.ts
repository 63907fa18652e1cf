// PCI Express capability up to the device registers. PCIe 7.5.3.
export const CAPABILITY_ID = 0x00; // u8
export const NEXT = 0x01; // u8
export const CAPABILITIES = 0x02; // u16
export const DEVICE_CAPABILITIES = 0x04; // u32
export const DEVICE_CONTROL = 0x08; // u16
export const DEVICE_STATUS = 0x0a; // u16
export const RESERVED_00C = 0x0c; // 48
export const SIZE = 0x3c;

export const ID = 0x10;
export const FLR_CAPABLE_BIT = 28;
export const TEE_IO_SUPPORTED_BIT = 30;
export const PHANTOM_FUNCTIONS_ENABLE_BIT = 9;
export const INITIATE_FLR_BIT = 15;
