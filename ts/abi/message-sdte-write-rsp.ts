// MSG_SDTE_WRITE_RSP. SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series and OpenVMM (revision 0.91) have it.
export const GUEST_DEVICE_ID = 0x00; // u16
export const STATUS = 0x02; // u16
export const RESERVED_04 = 0x04; // 12
export const SIZE = 0x10;
