// The guest-hypervisor communication block, one shared page. AMD 56421, 2.6; spec digest ghcb.md 2.
export const RESERVED_000 = 0x000; // 203
export const CPL = 0x0cb; // u8
export const RESERVED_0CC = 0x0cc; // 116
export const XSS = 0x140; // u64
export const RESERVED_148 = 0x148; // 24
export const DR7 = 0x160; // u64
export const RESERVED_168 = 0x168; // 16
export const RIP = 0x178; // u64
export const RESERVED_180 = 0x180; // 88
export const RSP = 0x1d8; // u64
export const RESERVED_1E0 = 0x1e0; // 24
export const RAX = 0x1f8; // u64
export const RESERVED_200 = 0x200; // 264
export const RCX = 0x308; // u64
export const RDX = 0x310; // u64
export const RBX = 0x318; // u64
export const RESERVED_320 = 0x320; // u64
export const RBP = 0x328; // u64
export const RSI = 0x330; // u64
export const RDI = 0x338; // u64
export const R8 = 0x340; // u64
export const R9 = 0x348; // u64
export const R10 = 0x350; // u64
export const R11 = 0x358; // u64
export const R12 = 0x360; // u64
export const R13 = 0x368; // u64
export const R14 = 0x370; // u64
export const R15 = 0x378; // u64
export const RESERVED_380 = 0x380; // 16
export const SW_EXITCODE = 0x390; // u64
export const SW_EXITINFO1 = 0x398; // u64
export const SW_EXITINFO2 = 0x3a0; // u64
export const SW_SCRATCH = 0x3a8; // u64
export const RESERVED_3B0 = 0x3b0; // 56
export const XCR0 = 0x3e8; // u64
// Bit n says that the quadword at 8n is valid.
export const VALID_BITMAP = 0x3f0; // 16
export const X87_STATE_GPA = 0x400; // u64
export const RESERVED_408 = 0x408; // 1016
export const SHARED_BUFFER = 0x800; // 2032
export const RESERVED_FF0 = 0xff0; // 10
export const PROTOCOL_VERSION = 0xffa; // u16
export const GHCB_USAGE = 0xffc; // u32
export const SIZE = 0x1000;

// PROTOCOL_VERSION
export const VERSION_MIN = 1;
export const VERSION_MAX = 2;

// GHCB_USAGE
export const USAGE_STANDARD = 0;

// SW_EXITINFO1 bits 31:0, as the hypervisor answers
export const OK = 0;
export const EXCEPTION = 1;
export const MALFORMED = 2;

// SW_EXITINFO2 beside MALFORMED
export const NOT_REGISTERED = 1;
export const INVALID_USAGE = 2;
export const INVALID_SCRATCH = 3;
export const MISSING_INPUT = 4;
export const INVALID_INPUT = 5;
export const INVALID_EVENT = 6;

// Pages a scratch area outside of the GHCB may have: KVM's GHCB_SCRATCH_AREA_LIMIT.
export const SCRATCH_PAGES = 16;

// SW_EXITINFO1 of IOIO
export const IOIO_IN_BIT = 0;
export const IOIO_STRING_BIT = 2;
export const IOIO_REP_BIT = 3;
export const IOIO_SIZE_LSB = 4;
export const IOIO_SIZE_WIDTH = 3;
export const IOIO_ADDRESS_64_BIT = 9;
export const IOIO_SEGMENT_LSB = 10;
export const IOIO_PORT_LSB = 16;

// SW_EXITINFO1 of MSR
export const MSR_READ = 0;
export const MSR_WRITE = 1;

// SW_EXITINFO1 of the AP jump table
export const JUMP_TABLE_SET = 0;
export const JUMP_TABLE_GET = 1;

// SW_EXITINFO1 of AP creation
export const AP_CREATE_ON_INIT = 0;
export const AP_CREATE = 1;
export const AP_DESTROY = 2;
export const AP_REQUEST_WIDTH = 16;
export const AP_VMPL_LSB = 16;
export const AP_VMPL_WIDTH = 4;
export const AP_APIC_ID_LSB = 32;

// SW_EXITINFO1 of the #HV doorbell page
export const DOORBELL_GET_PREFERRED = 0;
export const DOORBELL_SET = 1;
export const DOORBELL_QUERY = 2;
export const DOORBELL_CLEAR = 3;

// SW_EXITINFO1 of SAVIC
export const SAVIC_REGISTER = 0;
export const SAVIC_UNREGISTER = 1;

// SW_EXITINFO1 of DISABLE_ALT_INJ and SPECIFIC_EOI
export const INJECTION_VMPL_LSB = 16;
export const INJECTION_VMPL_WIDTH = 4;
export const INJECTION_TPR_LSB = 8;
export const INJECTION_TPR_WIDTH = 8;
export const INJECTION_SHADOW_BIT = 1;
export const INJECTION_IF_BIT = 0;
export const EOI_VECTOR_WIDTH = 8;

// SW_EXITINFO1 of a termination request
export const TERMINATE_SET_WIDTH = 4;
export const TERMINATE_CODE_LSB = 4;

// SW_EXITINFO2 bits 63:32 of a guest request: the hypervisor's own error
export const VMM_INVALID_LEN = 1;
export const VMM_BUSY = 2;

// SW_EXITINFO2 of the hypervisor features, and the MSR protocol's
export const FEATURE_SNP_BIT = 0;
export const FEATURE_AP_CREATION_BIT = 1;
export const FEATURE_RESTRICTED_INJECTION_BIT = 2;
export const FEATURE_RESTRICTED_TIMER_BIT = 3;
export const FEATURE_APIC_ID_LIST_BIT = 4;
export const FEATURE_MULTI_VMPL_BIT = 5;
export const FEATURE_SVSM_PSC_BIT = 6;
export const FEATURE_TIO_BIT = 7;
export const FEATURE_EXT_INTERRUPTS_BIT = 9;
