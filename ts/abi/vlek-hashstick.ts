// A provider's hash sticks as the key service wraps them for one chip and SNP_VLEK_LOAD reads them.
// Spec digest psp-mailbox-commands.md 5.
export const IV = 0x000; // 12
export const RESERVED_00C = 0x00c; // u32
export const WRAPPED = 0x010; // 384
export const TCB_VERSION = 0x190; // u64
export const RESERVED_198 = 0x198; // u64
export const TAG = 0x1a0; // 16
export const SIZE = 0x1b0;

// VLEK_WRAPPED_VERSION of SNP_VLEK_LOAD.
export const VERSION_0 = 0;
