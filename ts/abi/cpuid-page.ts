// The CPUID page that the firmware checks: a header, then up to 64 entries. AMD 56860, 8.17.2.6.
// Spec digest launch-measurement.md 4.
export const COUNT = 0x000; // u32
export const RESERVED_004 = 0x004; // 12
// Entries of ts/abi/cpuid-entry.ts.
export const ENTRIES = 0x010; // 3072
export const RESERVED_C10 = 0xc10; // 1008
export const SIZE = 0x1000;

export const MOST_ENTRIES = 64;

// EBX of leaf 0xd: x87 and SSE with the header. A guest adds what its XCR0 switches on. QEMU target/i386/sev.c.
export const XSAVE_BASE = 0x240;
