// One entry of the CPUID page. AMD 56860, 7.1; spec digest launch-measurement.md 4.
export const EAX_IN = 0x00; // u32
export const ECX_IN = 0x04; // u32
export const XCR0_IN = 0x08; // u64
export const XSS_IN = 0x10; // u64
export const EAX = 0x18; // u32
export const EBX = 0x1c; // u32
export const ECX = 0x20; // u32
export const EDX = 0x24; // u32
export const RESERVED_28 = 0x28; // u64
export const SIZE = 0x30;
