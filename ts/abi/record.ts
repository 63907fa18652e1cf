// A trace record as the replay loop reads it, op and size predecoded to one handler. docs/trace-format.md.
export const GVA = 0x00; // u64
export const BYTES = 0x08; // u32
export const OP = 0x0c; // u8
export const RESERVED_00D = 0x0d; // 3
export const SIZE = 0x10;

// The largest fetch, load, store or modify: one page.
export const ACCESS_LIMIT = 4096;

// OP. A narrow access is one of 1 to 8 bytes; a wide store is also one of 3, 5, 6 or 7.
export const FETCH = 0;
export const FETCH_WIDE = 1;
export const LOAD = 2;
export const LOAD_WIDE = 3;
export const STORE_1 = 4;
export const STORE_2 = 5;
export const STORE_4 = 6;
export const STORE_8 = 7;
export const STORE_WIDE = 8;
export const MODIFY_1 = 9;
export const MODIFY_2 = 10;
export const MODIFY_4 = 11;
export const MODIFY_8 = 12;
export const MODIFY_WIDE = 13;
// One system call that moves BYTES between the guest's buffer at GVA and a device, or that blocks.
export const TRANSFER_OUT = 14;
export const TRANSFER_IN = 15;
export const HALT = 16;
// The guest leaves for the hypervisor: BYTES is the exit code, of VMEXIT_* or a VMGEXIT's SW_EXITCODE.
export const EXIT = 17;
// The guest gives the page at GVA to the hypervisor, or takes it back.
export const PAGE_SHARE = 18;
export const PAGE_PRIVATE = 19;
// A device moves BYTES from or to the guest's buffer at GVA on its own: no kick, no interrupt.
export const DMA_OUT = 20;
export const DMA_IN = 21;
