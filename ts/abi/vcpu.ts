// The running virtual CPU, as much of it as an access needs. Loaded by the world switch.
export const ASID = 0x00; // u32
export const VMPL = 0x04; // u32
export const CPL = 0x08; // u32
export const MODE = 0x0c; // u32
export const CR3 = 0x10; // u64
export const NCR3 = 0x18; // u64
export const SIZE = 0x20;

export const VMPLS = 4;

// MODE: SEV_STATUS bits 0 to 2 as MSR C001_0131 shows them (APM vol. 2, 15.34.10), and CR0.PG.
export const SEV_BIT = 0;
export const SEV_ES_BIT = 1;
export const SEV_SNP_BIT = 2;
export const PAGING_BIT = 31;
