// A section of OVMF's SEV metadata: memory that the hypervisor has to prepare. edk2, OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm.
export const GPA = 0x0; // u32
export const LENGTH = 0x4; // u32
export const TYPE = 0x8; // u32
export const SIZE = 0xc;

// TYPE.
export const SEC_MEM = 1;
export const SECRETS = 2;
export const CPUID = 3;
export const SVSM_CAA = 4;
export const KERNEL_HASHES = 0x10;
