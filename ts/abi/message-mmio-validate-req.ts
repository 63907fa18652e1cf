// MSG_MMIO_VALIDATE_REQ. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series and OpenVMM (revision 0.91) have it.
export const GUEST_DEVICE_ID = 0x00; // u16
export const RESERVED_02 = 0x02; // 14
export const SUBRANGE_BASE = 0x10; // u64
export const SUBRANGE_PAGE_COUNT = 0x18; // u32
export const RANGE_OFFSET = 0x1c; // u32
export const VALIDATE_FLAGS = 0x20; // u16
export const RANGE_ID = 0x22; // u16
export const RESERVED_24 = 0x24; // 12
export const SIZE = 0x30;

// VALIDATE_FLAGS
export const VALIDATED_BIT = 0;
export const FORCE_VALIDATED_BIT = 1;
