// What LAUNCH_MEASURE writes. SEV API (AMD 55766).
export const MEASURE = 0x00; // 32
export const MNONCE = 0x20; // 16
export const SIZE = 0x30;
