// A segment register in a VMCB or VMSA. APM vol. 2 (AMD 24593), appendix B.
export const SELECTOR = 0x0; // u16
export const ATTRIB = 0x2; // u16
export const LIMIT = 0x4; // u32
export const BASE = 0x8; // u64
export const SIZE = 0x10;
