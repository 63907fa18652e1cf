// The control area of a VMCB; the save area follows it. APM vol. 2, appendix B, table B-1; spec digest vmcb-vmsa.md 1.
// Bit n of the first 24 bytes is the intercept of exit code n.
export const INTERCEPTS = 0x000; // 24
export const RESERVED_018 = 0x018; // 36
export const PAUSE_FILTER_THRESHOLD = 0x03c; // u16
export const PAUSE_FILTER_COUNT = 0x03e; // u16
export const IOPM_BASE_PA = 0x040; // u64
export const MSRPM_BASE_PA = 0x048; // u64
export const TSC_OFFSET = 0x050; // u64
export const GUEST_ASID = 0x058; // u32
export const TLB_CONTROL = 0x05c; // u8
export const RESERVED_05D = 0x05d; // 3
export const INT_CTL = 0x060; // u32
export const V_INTR_VECTOR = 0x064; // u32
export const INTERRUPT_STATE = 0x068; // u32
export const RESERVED_06C = 0x06c; // u32
export const EXITCODE = 0x070; // u64
export const EXITINFO1 = 0x078; // u64
export const EXITINFO2 = 0x080; // u64
export const EXITINTINFO = 0x088; // u32
export const EXITINTINFO_ERROR = 0x08c; // u32
export const NESTED_CTL = 0x090; // u64
export const AVIC_APIC_BAR = 0x098; // u64
export const GHCB_PA = 0x0a0; // u64
export const EVENTINJ = 0x0a8; // u32
export const EVENTINJ_ERROR = 0x0ac; // u32
export const NCR3 = 0x0b0; // u64
export const VIRT_EXT = 0x0b8; // u64
export const CLEAN = 0x0c0; // u32
export const RESERVED_0C4 = 0x0c4; // u32
export const NEXT_RIP = 0x0c8; // u64
export const FETCHED_BYTES = 0x0d0; // u8
export const FETCHED = 0x0d1; // 15
export const AVIC_BACKING_PAGE = 0x0e0; // u64
export const RESERVED_0E8 = 0x0e8; // u64
export const AVIC_LOGICAL_TABLE = 0x0f0; // u64
export const AVIC_PHYSICAL_TABLE = 0x0f8; // u64
export const RESERVED_100 = 0x100; // u64
export const VMSA_PTR = 0x108; // u64
export const VMGEXIT_RAX = 0x110; // u64
export const VMGEXIT_CPL = 0x118; // u8
export const RESERVED_119 = 0x119; // 7
export const BUS_LOCK_THRESHOLD = 0x120; // u16
export const RESERVED_122 = 0x122; // 22
export const ALLOWED_SEV_FEATURES = 0x138; // u64
export const GUEST_SEV_FEATURES = 0x140; // u64
export const RESERVED_148 = 0x148; // 664
export const SOFTWARE = 0x3e0; // 32
export const SIZE = 0x400;

// Where the save area starts; its fields are those of ts/abi/vmsa.ts up to SAVED.
export const SAVE_AREA = 0x400;
export const SAVED = 0x300;

// INT_CTL
export const V_TPR_WIDTH = 8;
export const V_IRQ_BIT = 8;
export const V_GIF_BIT = 9;
export const V_NMI_BIT = 11;
export const V_NMI_MASK_BIT = 12;
export const V_INTR_PRIO_LSB = 16;
export const V_INTR_PRIO_WIDTH = 4;
export const V_IGN_TPR_BIT = 20;
export const V_INTR_MASKING_BIT = 24;
export const V_GIF_ENABLE_BIT = 25;
export const V_NMI_ENABLE_BIT = 26;
export const X2AVIC_BIT = 30;
export const AVIC_BIT = 31;

// INTERRUPT_STATE
export const INTERRUPT_SHADOW_BIT = 0;
export const GUEST_INTERRUPT_MASK_BIT = 1;

// NESTED_CTL
export const NP_ENABLE_BIT = 0;
export const SEV_BIT = 1;
export const SEV_ES_BIT = 2;
export const SSS_CHECK_BIT = 4;

// VIRT_EXT
export const LBR_BIT = 0;
export const VIRTUAL_VMLOAD_BIT = 1;

// EVENTINJ and EXITINTINFO
export const EVENT_VECTOR_WIDTH = 8;
export const EVENT_TYPE_LSB = 8;
export const EVENT_TYPE_WIDTH = 3;
export const EVENT_ERROR_VALID_BIT = 11;
export const EVENT_VALID_BIT = 31;

// The type of an event
export const EVENT_INTR = 0;
export const EVENT_NMI = 2;
export const EVENT_EXCEPTION = 3;
export const EVENT_SOFTWARE = 4;

// ALLOWED_SEV_FEATURES
export const ALLOWED_ENABLE_BIT = 63;

// TLB_CONTROL
export const TLB_NOTHING = 0;
export const TLB_EVERYTHING = 1;
export const TLB_ASID = 3;
export const TLB_ASID_NON_GLOBAL = 7;
