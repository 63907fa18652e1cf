// The TDISP message header, codes, states and errors. TDISP 1.0 (PCIe 11.3).
export const VERSION = 0x00; // u8
export const MESSAGE_TYPE = 0x01; // u8
export const RESERVED_002 = 0x02; // u16
export const FUNCTION_ID = 0x04; // u32
export const RESERVED_008 = 0x08; // u64
export const SIZE = 0x10;

export const VERSION_1_0 = 0x10;

export const GET_TDISP_VERSION = 0x81;
export const GET_TDISP_CAPABILITIES = 0x82;
export const LOCK_INTERFACE_REQUEST = 0x83;
export const GET_DEVICE_INTERFACE_REPORT = 0x84;
export const GET_DEVICE_INTERFACE_STATE = 0x85;
export const START_INTERFACE_REQUEST = 0x86;
export const STOP_INTERFACE_REQUEST = 0x87;
export const BIND_P2P_STREAM_REQUEST = 0x88;
export const UNBIND_P2P_STREAM_REQUEST = 0x89;
export const SET_MMIO_ATTRIBUTE_REQUEST = 0x8a;
export const VDM_REQUEST = 0x8b;
export const TDISP_ERROR = 0x7f;
// A response type is its request's with this bit clear.
export const REQUEST_BIT = 7;

export const CONFIG_UNLOCKED = 0;
export const CONFIG_LOCKED = 1;
export const RUN = 2;
export const ERROR = 3;

export const INVALID_REQUEST = 0x0001;
export const BUSY = 0x0003;
export const INVALID_INTERFACE_STATE = 0x0004;
export const UNSPECIFIED = 0x0005;
export const UNSUPPORTED_REQUEST = 0x0007;
export const VERSION_MISMATCH = 0x0041;
export const INVALID_INTERFACE = 0x0101;
export const INVALID_NONCE = 0x0102;
export const INSUFFICIENT_ENTROPY = 0x0103;
export const INVALID_DEVICE_CONFIGURATION = 0x0104;

// Payload sizes of the requests, after the header.
export const CAPABILITIES_BYTES = 4;
export const REPORT_REQUEST_BYTES = 4;
export const NONCE_BYTES = 32;
export const P2P_BYTES = 1;
export const ERROR_BYTES = 8;

// LOCK_INTERFACE flags
export const NO_FW_UPDATE_BIT = 0;
export const SYSTEM_CACHE_LINE_SIZE_BIT = 1;
export const LOCK_MSIX_BIT = 2;
export const BIND_P2P_BIT = 3;
export const ALL_REQUEST_REDIRECT_BIT = 4;
