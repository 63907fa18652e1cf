// A page-table entry, guest or nested. APM vol. 2, 5.3. The C-bit's position is the part's.
export const SIZE = 0x8;

export const PRESENT_BIT = 0;
export const WRITE_BIT = 1;
export const USER_BIT = 2;
export const ACCESSED_BIT = 5;
export const DIRTY_BIT = 6;
export const LARGE_BIT = 7;
export const FRAME_LSB = 12;
export const FRAME_WIDTH = 40;
export const NX_BIT = 63;
