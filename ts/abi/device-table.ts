// What the IOMMU knows of one device: the host's own entry, and the secure one that only the firmware writes. AMD 48882, 2.2.2.
// The secure device table: spec digest sev-tio.md 5.
export const NCR3 = 0x00; // u64
// Whether the host has attached it.
export const ATTACHED = 0x08; // u32
export const SECURE = 0x0c; // u32
export const ASID = 0x10; // u32
export const VMPL = 0x14; // u32
export const VTOM = 0x18; // u64
// Over which stream, and through which root port, requests with the T bit must come.
export const VIA = 0x20; // u32
export const TAKEN = 0x24; // u32
export const RESERVED_28 = 0x28; // 24
export const SIZE = 0x40;

// Row 0 is nobody's.
export const ROWS = 256;
export const RIDS = 0x10000;

// SECURE
export const VALID_BIT = 0;
export const READ_BIT = 1;
export const WRITE_BIT = 2;
export const VTOM_BIT = 3;

// VIA
export const STREAM_LSB = 0;
export const ROOT_PORT_LSB = 8;
// A request without the T bit.
export const UNTRUSTED = 0xffffffff;

// A fence: a byte for each row and ASID.
export const FENCE_ERROR_BIT = 0;
export const FENCE_DEFAULT_BIT = 1;
export const FENCE_MMIO_BIT = 2;
