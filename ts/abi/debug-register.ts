// Bits of DR7 that a processor forces, whatever is written. APM vol. 2, 13.1.1.4.
export const DR7_ZEROS = 0xd000;
export const DR7_ONES = 0x400;
