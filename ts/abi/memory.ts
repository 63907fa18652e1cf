// Linear memory of the core from low to high. Everything that changes lives here, so that a copy of it is a snapshot.
// From FRAME_TABLE on, the sizes depend on the platform: frame table, directory root, RMP root, frames (assembly/machine.ts).
export const NOTHING = 0x000000; // 4096
export const STATE = 0x001000; // 4096
export const EXIT = 0x002000; // 4096
export const VCPU = 0x003000; // 4096
export const MAILBOX = 0x004000; // 4096
export const EVENTS = 0x005000; // 4096
export const WALK = 0x006000; // 4096
export const SCRATCH = 0x007000; // 8192
export const WINDOW = 0x009000; // 65536
// asc's own data: assertion texts of the debug build (memoryBase of asconfig.json).
export const STATIC = 0x019000; // 28672
export const AES = 0x020000; // 16384
export const TWEAK = 0x024000; // 4096
export const OFFSET_TWEAK = 0x025000; // 4096
// Tables of assembly/aes/spread.ts.
export const SPREAD = 0x026000; // 8192
// The CPU's register file, and the host's while a guest has it: both as ts/abi/vmsa.ts.
export const REGISTERS = 0x028000; // 4096
export const HOST_REGISTERS = 0x029000; // 4096
export const WORLD = 0x02a000; // 4096
// Checksums of SEV-ES VMSAs (assembly/world/checksum.ts): ts/abi/checksum.ts.
export const CHECKSUMS = 0x02b000; // 65536
export const PREDICTOR = 0x03b000; // 4096
export const HASH = 0x03c000; // 4096
export const GCM = 0x03d000; // 20480
// The IOMMU's: a fence for each row and ASID, the row of each Requester ID, and the rows (ts/abi/device-table.ts).
export const FENCES = 0x042000; // 262144
export const DEVICE_ROWS = 0x082000; // 65536
export const DEVICE_TABLE = 0x092000; // 16384
export const TABLE_CACHE = 0x096000; // 65536
export const RESERVED_0A6000 = 0x0a6000; // 172032
export const ASID_COUNTERS = 0x0d0000; // 16384
export const TLB_EPOCHS = 0x0d4000; // 4096
// What each ASID and VMPL was last entered with (ts/abi/vcpu.ts).
export const ENTERED = 0x0d5000; // 131072
// Where the RMP lies (ts/abi/rmp-table.ts), and its segment table.
export const RMP_TABLE = 0x0f5000; // 4096
export const RST = 0x0f6000; // 4096
export const RESERVED_0F7000 = 0x0f7000; // 36864
export const TLB = 0x100000; // 524288
export const BATCH = 0x180000; // 1048576
export const EXPECTED = 0x280000; // 524288
// 1024 rows of ts/abi/slot.ts.
export const SLOTS = 0x300000; // 5439488
export const NESTED_TLB = 0x830000; // 262144
// Keys of links, with what GHASH wants of each: 64 as ts/abi/ide-unit.ts says.
export const IDE_KEYS = 0x870000; // 868352
export const RESERVED_944000 = 0x944000; // 49152
export const FRAME_TABLE = 0x950000; // 0
export const SIZE = 0x950000;
