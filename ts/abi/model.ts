// The model of a part's caches and TLBs: settings, counters and tables of tags.
// In an instance of its own, from Memory.FRAME_TABLE on.
export const PAGE_SHIFT = 0x000; // u32
export const RMP = 0x004; // u32
export const BOUNCE = 0x008; // u32
export const FLUSH = 0x00c; // u32
export const HIT_PS = 0x010; // u32
export const ITLB2_PS = 0x014; // u32
export const DTLB2_PS = 0x018; // u32
export const TOUCHED = 0x01c; // u32
export const TOUCHED_MASK = 0x020; // u32
export const FILL = 0x024; // u32
export const STATE_FLUSH = 0x028; // u32
export const RESERVED_02C = 0x02c; // 20
export const ITLB1 = 0x040; // 16
export const ITLB2 = 0x050; // 16
export const DTLB1 = 0x060; // 16
export const DTLB2 = 0x070; // 16
export const DIRECTORIES = 0x080; // 16
export const NESTED_DIRECTORIES = 0x090; // 16
export const L1I = 0x0a0; // 16
export const L1D = 0x0b0; // 16
export const L2 = 0x0c0; // 16
export const L3 = 0x0d0; // 16
// The line of the last fetch, and the 4 KiB pages of the last fetch and the last operand: the same again needs nothing.
export const FETCHED_LINE = 0x0e0; // u64
export const FETCHED_PAGE = 0x0e8; // u64
export const DATA_PAGE = 0x0f0; // u64
export const RESERVED_0F8 = 0x0f8; // 8
export const CHARGES = 0x100; // 320
export const READS = 0x240; // 640
export const PICOSECONDS = 0x4c0; // u64
export const FETCHES = 0x4c8; // u64
export const ACCESSES = 0x4d0; // u64
export const ITLB2_HITS = 0x4d8; // u64
export const DTLB2_HITS = 0x4e0; // u64
export const WALKS = 0x4e8; // u64
export const STREAM_WALKS = 0x4f0; // u64
export const FIRST_TOUCHES = 0x4f8; // u64
export const FLUSHES = 0x500; // u64
export const WRITTEN_BACK = 0x508; // u64
export const WRITTEN_BACK_SHARED = 0x510; // u64
export const TRANSFERS_OUT = 0x518; // u64
export const TRANSFERS_IN = 0x520; // u64
export const BYTES_OUT = 0x528; // u64
export const BYTES_IN = 0x530; // u64
export const BYTES_COPIED = 0x538; // u64
export const SLOTS = 0x540; // u64
export const HALTS = 0x548; // u64
export const PAGES_FILLED = 0x550; // u64
export const FRAMES = 0x558; // u64
export const LARGE_FRAMES = 0x560; // u64
export const TRACKER_RING = 0x568; // 16
export const RESERVED_578 = 0x578; // 136
export const HISTOGRAM = 0x600; // 512
export const TRACKERS = 0x800; // 512
// Pages of 4 KiB that are known not to be new, each at its number's place; one more than the number, u64.
export const KNOWN = 0xa00; // 1024
export const SIZE = 0xe00;

// A table of tags: where it lies, sets (a power of two) and ways. An entry is u64: key << 1, and whether it is dirty.
export const TABLE = 0x0;
export const SETS = 0x4;
export const WAYS = 0x8;

// A table that is one set of many ways (assembly/model/recent.ts): its entries, of which number 0 is the ring's, and where
// the chains of keys begin, by hash.
export const ENTRIES = 0x0;
export const CHAINS = 0x4;
export const CHAIN_MASK = 0x8;
export const ENTRY_COUNT = 0xc;
// An entry; the last three are addresses of entries. OLDER and NEWER are also a tracker's.
export const KEY = 0x00;
export const OLDER = 0x08;
export const NEWER = 0x0c;
export const CHAIN = 0x10;
export const ENTRY = 0x18;

// FLUSH and STATE_FLUSH: what an RMPUPDATE drops, of a page that is new and of one that changes its state
export const FLUSH_NEVER = 0;
export const FLUSH_PAGE = 1;
export const FLUSH_ALL = 2;

// Who reads. CHARGES (u32 picoseconds) and READS (u64) have a cell for each reader, level and whether a stream was continued.
export const FETCH = 0;
export const LOAD = 1;
export const STORE = 2;
export const GUEST_TABLE = 3;
export const NESTED_TABLE = 4;
export const RMP_ENTRY = 5;
export const COPY = 6;
export const SHARED = 7;
export const FILLING = 8;
export const READERS = 9;
export const LEVELS = 4;

// Whose memory a line is: the upper bits of its key.
export const SPACE_LSB = 58;
export const SPACE_DATA = 1;
export const SPACE_GUEST_TABLE = 2;
export const SPACE_NESTED_TABLE = 3;
export const SPACE_RMP = 4;
export const SPACE_SHARED = 5;

export const KNOWN_PAGES = 128;

// The histogram has two buckets for each power of two of picoseconds.
export const BUCKETS = 64;

// A tracker of a stream: the line seen last, the one as far behind it again, and (OLDER, NEWER) its
// place in the order of use.
export const LAST = 0x00;
export const NEXT = 0x10;
export const CONFIDENCE = 0x18;
export const TRACKER = 0x20;
export const TRACKER_COUNT = 16;
