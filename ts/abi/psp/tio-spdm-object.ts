// REQ and RESP: an SPDM message on its way between firmware and device.
// SEV-TIO firmware interface (AMD 58271), as Linux 6.19's sev-dev-tio.c has it.
export const ID = 0x00; // u32
export const LENGTH = 0x04; // u32
export const VERSION_MINOR = 0x08; // u8
export const VERSION_MAJOR = 0x09; // u8
export const DATA_TYPE = 0x0a; // u8
export const RESERVED_0B = 0x0b; // 5
export const SIZE = 0x10;

// ID of every data object
export const ID_REQ = 1;
export const ID_RESP = 2;
export const ID_CERTIFICATE = 4;
export const ID_MEASUREMENT = 5;
export const ID_REPORT = 6;

// DATA_TYPE: also the DOE data object type
export const DATA_TYPE_SPDM = 1;
export const DATA_TYPE_SECURE_SPDM = 2;
