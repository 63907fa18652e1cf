// REQ and RESP: an SPDM message on its way between firmware and device.
// SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const ID = 0x00; // u32
export const LENGTH = 0x04; // u32
export const VERSION_MINOR = 0x08; // u8
export const VERSION_MAJOR = 0x09; // u8
export const DATA_TYPE = 0x0a; // u8
export const RESERVED_0B = 0x0b; // 5
export const SIZE = 0x10;
