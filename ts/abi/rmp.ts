// An RMP entry, 16 bytes, as Zen 3 and Zen 4 hold it. PPR 55898 (family 19h model 01h); spec digest rmp.md 2.1.
export const LOW = 0x0; // u64
export const HIGH = 0x8; // u64
export const SIZE = 0x10;

// LOW
export const ASSIGNED_BIT = 0;
export const PAGE_SIZE_BIT = 1;
export const IMMUTABLE_BIT = 2;
export const SUBPAGE_COUNT_LSB = 3;
export const SUBPAGE_COUNT_WIDTH = 9;
export const GPA_LSB = 12;
export const GPA_WIDTH = 39;
export const ASID_LSB = 51;
export const ASID_WIDTH = 10;
export const VMSA_BIT = 61;
export const VALIDATED_BIT = 62;
export const LOCK_BIT = 63;

// HIGH: one byte of permissions per VMPL, VMPL0 lowest
export const VMPL_WIDTH = 8;
export const PERMISSION_READ_BIT = 0;
export const PERMISSION_WRITE_BIT = 1;
export const PERMISSION_EXECUTE_USER_BIT = 2;
export const PERMISSION_EXECUTE_SUPERVISOR_BIT = 3;
export const PERMISSION_SSS_BIT = 4;
