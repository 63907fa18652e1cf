// An entry of a metadata page, 64 of them a page: what a page swapped out is checked by. Spec digest rmp.md 8.
export const SOFTWARE_DATA = 0x00; // u64
export const IV = 0x08; // u64
export const AUTH_TAG = 0x10; // 16
export const PAGE = 0x20; // u64
export const PERMISSIONS = 0x28; // u64
export const RESERVED_30 = 0x30; // 16
export const SIZE = 0x40;

// PAGE, with the GPA in its bits 63:12
export const VALID_BIT = 0;
export const PAGE_VALIDATED_BIT = 1;
export const VMSA_BIT = 2;
export const METADATA_BIT = 3;
export const PAGE_SIZE_BIT = 4;
