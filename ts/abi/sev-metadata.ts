// Head of OVMF's SEV metadata. edk2, OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm.
export const SIGNATURE = 0x0; // u32
export const LENGTH = 0x4; // u32
export const VERSION = 0x8; // u32
export const SECTIONS = 0xc; // u32
export const SIZE = 0x10;

// SIGNATURE: "ASEV".
export const ASEV = 0x56455341;
export const VERSION_1 = 1;
