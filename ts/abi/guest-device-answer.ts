// An answer of `cloister guest-device serve`; response and certificates, or a file's bytes, follow. docs/guest-device.md.
export const LENGTH = 0x00; // u32
export const ERRNO = 0x04; // u32
export const FW_ERROR = 0x08; // u32
export const VMM_ERROR = 0x0c; // u32
export const CERTS_LEN = 0x10; // u32
export const SIZE = 0x14;
