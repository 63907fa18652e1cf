// Which world the CPU is in: what VMRUN entered and #VMEXIT leaves, and the host's own MSRs. assembly/instruction/vmrun.ts.
export const RUNNING = 0x00; // u32
export const IS_ES = 0x04; // u32
// The VMCB as VMRUN was given it, with the C-bit; where the guest's state came from: the page of the VMSA or of the VMCB.
export const VMCB = 0x08; // u64
export const STATE_PAGE = 0x10; // u32
export const VMSA_KEY = 0x14; // u32
export const SEV_FEATURES = 0x18; // u64
export const GHCB = 0x20; // u64
// The event that the guest takes next, as EVENTINJ has it (ts/abi/vmcb.ts); and the one that was being taken when it left.
export const EVENT = 0x28; // u32
export const EVENT_ERROR = 0x2c; // u32
export const TAKING = 0x30; // u32
export const TAKING_ERROR = 0x34; // u32
// Steps of the guest until the host's timer interrupts; 0 when it is off.
export const TIMER = 0x38; // u32
// Whether the other thread of the core runs something.
export const SIBLING_BUSY = 0x3c; // u32
// The instruction under way: how many bytes were fetched, and the bytes.
export const FETCHED_BYTES = 0x40; // u8
export const FETCHED = 0x41; // 15
export const HWCR = 0x50; // u64
export const VM_HSAVE_PA = 0x58; // u64
// What the part has.
export const SUPPORTED_FEATURES = 0x60; // u64
export const ASIDS = 0x68; // u32
export const MIN_SEV_ASID = 0x6c; // u32
// Steps of all guests so far: what RDTSC counts.
export const STEPS = 0x70; // u64
export const SIZE = 0x78;

// What VMRUN answers
export const REFUSED = 0;
export const ENTERED = 1;
export const EXITED = 2;
export const BUSY = 3;

// What an instruction or a refused access of the guest answers: it goes on, #VMEXIT happened, or an exception is due
export const CONTINUES = 0;
export const LEFT = 1;
export const EXCEPTION = 2;
export const NO_FRAME = 3;

// What taking an event answers instead of one: the guest has left, for its virtual interrupt is intercepted
export const WINDOW = 1;
