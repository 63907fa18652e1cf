// MSG_SDTE_WRITE_REQ. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series and OpenVMM (revision 0.91) have it.
export const GUEST_DEVICE_ID = 0x00; // u16
export const RESERVED_02 = 0x02; // 14
export const SDTE = 0x10; // 64
export const SIZE = 0x50;
