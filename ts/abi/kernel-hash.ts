// An entry of QEMU's table of kernel hashes: SHA-256 of one file. target/i386/sev.c.
export const GUID = 0x00; // 16
export const LENGTH = 0x10; // u16
export const HASH = 0x12; // 32
export const SIZE = 0x32;
