// The machine's own registers in linear memory: what start-up decided, and the allocator's.
export const DRAM_PAGES = 0x000; // u32
export const FRAMES = 0x004; // u32
export const FIRST_FRAME = 0x008; // u32
export const NEXT_FRAME = 0x00c; // u32
export const FREE_FRAME = 0x010; // u32
export const OPEN_FIRST = 0x014; // u32
export const OPEN_LAST = 0x018; // u32
export const OPEN_COUNT = 0x01c; // u32
export const DIRECTORY_ROOT = 0x020; // u32
export const RMP_ROOT = 0x024; // u32
export const FLAT_PAGES = 0x028; // u32
export const CIPHER = 0x02c; // u32
export const C_BIT = 0x030; // u32
export const ADDRESS_BITS = 0x034; // u32
export const SNP_ENABLED = 0x038; // u32
export const VMPL_FULL = 0x03c; // u32
export const CACHE_WARP = 0x040; // u32
export const FLUSHES = 0x044; // u32
export const SEED = 0x048; // u64
export const DIGEST = 0x050; // u64
export const ORDINAL = 0x058; // u64
export const CHECK_EACH = 0x060; // u32
export const FLAT_TABLE = 0x064; // u32
export const FLAT_MASK = 0x068; // u32
export const RMP_FEATURES = 0x06c; // u32
export const CIPHERTEXT_HIDING = 0x070; // u32
export const KERNEL = 0x074; // u32
// The 64-bit MMIO window that the RMP covers, in pages of 4 KiB.
export const MMIO_FIRST = 0x078; // u32
export const MMIO_PAGES = 0x07c; // u32
export const PLAIN_WALKS = 0x080; // u32
export const RESERVED_084 = 0x084; // u32
// From ADDRESS_BITS and C_BIT, as masks.
export const FRAME_MASK = 0x088; // u64
export const C_MASK = 0x090; // u64
export const SIZE = 0x098;

// CIPHER
export const XEX = 0;
export const XTS = 1;

// RMP_FEATURES: bits of CPUID Fn8000_001F EAX
export const RMPQUERY_BIT = 6;
export const RMPREAD_BIT = 21;

// KERNEL: how lines are ciphered, a block at a time by tables or several by vectors
export const WIDE = 0;
export const TABLES = 1;
