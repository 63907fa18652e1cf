// The field guide's 64-bit RMP word, a view of a full entry. DESIGN.md, section 5; what the guide leaves open is Cloister's reading.
export const READ_BIT = 0;
export const WRITE_BIT = 1;
export const EXECUTE_BIT = 2;
export const VALID_BIT = 3;
export const MEMORY_TYPE_BIT = 7;
export const OWNER_VMPL_LSB = 8;
export const OWNER_VMPL_WIDTH = 2;
export const PAGE_TYPE_LSB = 10;
export const PAGE_TYPE_WIDTH = 2;

// Page type
export const UNALLOCATED = 0;
export const PRIVATE = 1;
export const SHARED = 2;
