// The calling area of an SVSM, and its calls. AMD 58019; spec digest ghcb.md 7.
export const CALL_PENDING = 0x000; // u8
export const MEM_AVAILABLE = 0x001; // u8
export const NO_EOI_REQUIRED = 0x002; // u8
export const RESERVED_003 = 0x003; // 5
export const BUFFER = 0x008; // 4088
export const SIZE = 0x1000;

// RAX of a call: protocol in bits 63:32, call in 31:0
export const PROTOCOL_LSB = 32;
export const PROTOCOL_CORE = 0;
export const PROTOCOL_ATTESTATION = 1;
export const PROTOCOL_VTPM = 2;
export const PROTOCOL_APIC = 3;

export const CORE_VERSION = 1;

// The core protocol's calls
export const REMAP_CA = 0;
export const PVALIDATE = 1;
export const CREATE_VCPU = 2;
export const DELETE_VCPU = 3;
export const DEPOSIT_MEM = 4;
export const WITHDRAW_MEM = 5;
export const QUERY_PROTOCOL = 6;
export const CONFIGURE_VTOM = 7;

// RAX as the SVSM answers
export const SUCCESS = 0;
export const INCOMPLETE = 0x80000000;
export const UNSUPPORTED_PROTOCOL = 0x80000001;
export const UNSUPPORTED_CALL = 0x80000002;
export const INVALID_ADDRESS = 0x80000003;
export const INVALID_FORMAT = 0x80000004;
export const INVALID_PARAMETER = 0x80000005;
export const INVALID_REQUEST = 0x80000006;
export const BUSY = 0x80000007;
// From here on, the code of PVALIDATE or RMPADJUST is added
export const PVALIDATE_FAILED = 0x80001000;
// The carry flag: validated already
export const PVALIDATE_NO_CHANGE = 0x80001010;
