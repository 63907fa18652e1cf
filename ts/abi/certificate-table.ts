// One entry of the certificate table behind an extended report. GHCB specification (AMD 56421), 4.1.8.1.
export const GUID = 0x00; // 16
export const OFFSET = 0x10; // u32
export const LENGTH = 0x14; // u32
export const SIZE = 0x18;
