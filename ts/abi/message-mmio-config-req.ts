// MSG_MMIO_CONFIG_REQ. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series and OpenVMM (revision 0.91) have it.
export const GUEST_DEVICE_ID = 0x00; // u16
export const RESERVED_02 = 0x02; // u16
export const CONFIG_FLAGS = 0x04; // u16
export const RANGE_ID = 0x06; // u16
export const WRITE = 0x08; // u32
export const RESERVED_0C = 0x0c; // u32
export const SIZE = 0x10;

// WRITE
export const WRITE_BIT = 0;
