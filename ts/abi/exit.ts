// The exit record: why an access was refused. APM vol. 2, 15.25.6, 15.36.10 and appendix C.
export const KIND = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const CODE = 0x08; // u64
export const INFO1 = 0x10; // u64
export const INFO2 = 0x18; // u64
export const GVA = 0x20; // u64
export const GPA = 0x28; // u64
export const SPA = 0x30; // u64
export const SIZE = 0x38;

// KIND: who is told
export const NONE = 0;
export const VMEXIT = 1;
export const EXCEPTION = 2;
export const HOST_FAULT = 3;
export const DEVICE_FAULT = 4;
export const OUT_OF_FRAMES = 5;
// Not a refusal: the access is to a register behind a root port. CODE: 1 with the T bit; INFO1: 1 for a store; INFO2: its bytes.
export const MMIO = 6;

// CODE of a VMEXIT. Those below 0x0c0 have an intercept bit of the same number (ts/abi/vmcb.ts).
export const VMEXIT_READ_CR0 = 0x000;
export const VMEXIT_WRITE_CR0 = 0x010;
export const VMEXIT_READ_DR0 = 0x020;
export const VMEXIT_READ_DR7 = 0x027;
export const VMEXIT_WRITE_DR0 = 0x030;
export const VMEXIT_WRITE_DR7 = 0x037;
export const VMEXIT_EXCEPTION = 0x040;
export const VMEXIT_MC = 0x052;
export const VMEXIT_INTR = 0x060;
export const VMEXIT_NMI = 0x061;
export const VMEXIT_SMI = 0x062;
export const VMEXIT_INIT = 0x063;
export const VMEXIT_VINTR = 0x064;
export const VMEXIT_RDTSC = 0x06e;
export const VMEXIT_RDPMC = 0x06f;
export const VMEXIT_CPUID = 0x072;
export const VMEXIT_INVD = 0x076;
export const VMEXIT_PAUSE = 0x077;
export const VMEXIT_HLT = 0x078;
export const VMEXIT_IOIO = 0x07b;
export const VMEXIT_MSR = 0x07c;
export const VMEXIT_SHUTDOWN = 0x07f;
export const VMEXIT_VMRUN = 0x080;
export const VMEXIT_VMMCALL = 0x081;
export const VMEXIT_VMLOAD = 0x082;
export const VMEXIT_VMSAVE = 0x083;
export const VMEXIT_STGI = 0x084;
export const VMEXIT_CLGI = 0x085;
export const VMEXIT_SKINIT = 0x086;
export const VMEXIT_RDTSCP = 0x087;
export const VMEXIT_WBINVD = 0x089;
export const VMEXIT_MONITOR = 0x08a;
export const VMEXIT_MWAIT = 0x08b;
export const VMEXIT_EFER_WRITE_TRAP = 0x08f;
export const VMEXIT_CR0_WRITE_TRAP = 0x090;
export const VMEXIT_BUSLOCK = 0x0a5;
export const VMEXIT_IDLE_HLT = 0x0a6;
export const VMEXIT_NPF = 0x400;
export const VMEXIT_VMGEXIT = 0x403;
// 64 ones on silicon; a signed literal widens to them.
export const VMEXIT_INVALID = -1;
export const VMEXIT_BUSY = -2;
export const VMEXIT_IDLE_REQUIRED = -3;
export const INTERCEPTS_END = 0x0c0;

// SW_EXITCODE of a VMGEXIT beyond those of VMEXIT_*: from here on. AMD 56421, 4.
export const VMGEXIT_EVENTS = 0x80000000;
export const VMGEXIT_MMIO_READ = 0x80000001;
export const VMGEXIT_MMIO_WRITE = 0x80000002;
export const VMGEXIT_NMI_COMPLETE = 0x80000003;
export const VMGEXIT_AP_HLT_LOOP = 0x80000004;
export const VMGEXIT_AP_JUMP_TABLE = 0x80000005;
export const VMGEXIT_PSC = 0x80000010;
export const VMGEXIT_GUEST_REQUEST = 0x80000011;
export const VMGEXIT_EXT_GUEST_REQUEST = 0x80000012;
export const VMGEXIT_AP_CREATION = 0x80000013;
export const VMGEXIT_HV_DOORBELL = 0x80000014;
export const VMGEXIT_HV_IPI = 0x80000015;
export const VMGEXIT_HV_TIMER = 0x80000016;
export const VMGEXIT_GET_APIC_IDS = 0x80000017;
export const VMGEXIT_RUN_VMPL = 0x80000018;
export const VMGEXIT_SAVIC = 0x8000001a;
export const VMGEXIT_CONFIGURE_INT_INJ = 0x8000001b;
export const VMGEXIT_DISABLE_ALT_INJ = 0x8000001c;
export const VMGEXIT_SPECIFIC_EOI = 0x8000001d;
export const VMGEXIT_TIO_GUEST_REQUEST = 0x80000020;
export const VMGEXIT_TIO_OP = 0x80000021;
export const VMGEXIT_HV_FEATURES = 0x8000fffd;
export const VMGEXIT_TERMINATE = 0x8000fffe;
export const VMGEXIT_UNSUPPORTED = 0x8000ffff;

// CODE of an EXCEPTION: its vector
export const NMI = 2;
export const DF = 8;
export const UD = 6;
export const GP = 13;
export const PF = 14;
export const HV = 28;
export const VC = 29;

// INFO1 of a #VC: PAGE_NOT_VALIDATED
export const PAGE_NOT_VALIDATED = 0x404;

// INFO1 of a #PF and of VMEXIT_NPF
export const PRESENT_BIT = 0;
export const WRITE_BIT = 1;
export const USER_BIT = 2;
export const RESERVED_BIT = 3;
export const FETCH_BIT = 4;
export const RMP_BIT = 31;
export const FINAL_BIT = 32;
export const TABLE_BIT = 33;
export const ENC_BIT = 34;
export const SIZEM_BIT = 35;
export const VMPL_BIT = 36;

// CODE of a DEVICE_FAULT: IOMMU event log entries. AMD 48882, 2.5.
export const ILLEGAL_DEV_TABLE_ENTRY = 0x1;
export const IO_PAGE_FAULT = 0x2;
export const RMP_PAGE_FAULT = 0xd;
