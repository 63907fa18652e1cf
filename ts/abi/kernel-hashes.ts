// QEMU's table of kernel hashes. target/i386/sev.c; edk2, OvmfPkg/AmdSev/BlobVerifierLibSevHashes.
export const GUID = 0x00; // 16
export const LENGTH = 0x10; // u16
export const CMDLINE = 0x12; // 50
export const INITRD = 0x44; // 50
export const KERNEL = 0x76; // 50
export const PADDING = 0xa8; // 8
export const SIZE = 0xb0;

// LENGTH counts no padding.
export const UNPADDED = 0xa8;
