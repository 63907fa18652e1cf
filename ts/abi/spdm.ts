// The SPDM message header, its codes, errors and capability flags. DSP0274 1.1 to 1.3, clause 10.
export const VERSION = 0x00; // u8
export const CODE = 0x01; // u8
export const PARAM1 = 0x02; // u8
export const PARAM2 = 0x03; // u8
export const SIZE = 0x04;

export const VERSION_1_0 = 0x10;
export const VERSION_1_1 = 0x11;
export const VERSION_1_2 = 0x12;
export const VERSION_1_3 = 0x13;

export const GET_DIGESTS = 0x81;
export const GET_CERTIFICATE = 0x82;
export const CHALLENGE = 0x83;
export const GET_VERSION = 0x84;
export const CHUNK_SEND = 0x85;
export const CHUNK_GET = 0x86;
export const GET_ENDPOINT_INFO = 0x87;
export const GET_MEASUREMENTS = 0xe0;
export const GET_CAPABILITIES = 0xe1;
export const GET_SUPPORTED_EVENT_TYPES = 0xe2;
export const NEGOTIATE_ALGORITHMS = 0xe3;
export const KEY_EXCHANGE = 0xe4;
export const FINISH = 0xe5;
export const PSK_EXCHANGE = 0xe6;
export const PSK_FINISH = 0xe7;
export const HEARTBEAT = 0xe8;
export const KEY_UPDATE = 0xe9;
export const GET_ENCAPSULATED_REQUEST = 0xea;
export const DELIVER_ENCAPSULATED_RESPONSE = 0xeb;
export const END_SESSION = 0xec;
export const GET_CSR = 0xed;
export const SET_CERTIFICATE = 0xee;
export const GET_MEASUREMENT_EXTENSION_LOG = 0xef;
export const SUBSCRIBE_EVENT_TYPES = 0xf0;
export const SEND_EVENT = 0xf1;
export const GET_KEY_PAIR_INFO = 0xfc;
export const SET_KEY_PAIR_INFO = 0xfd;
export const VENDOR_DEFINED_REQUEST = 0xfe;
export const RESPOND_IF_READY = 0xff;

export const DIGESTS = 0x01;
export const CERTIFICATE = 0x02;
export const CHALLENGE_AUTH = 0x03;
export const VERSION_RSP = 0x04;
export const CHUNK_SEND_ACK = 0x05;
export const CHUNK_RESPONSE = 0x06;
export const MEASUREMENTS = 0x60;
export const CAPABILITIES = 0x61;
export const ALGORITHMS = 0x63;
export const KEY_EXCHANGE_RSP = 0x64;
export const FINISH_RSP = 0x65;
export const HEARTBEAT_ACK = 0x68;
export const KEY_UPDATE_ACK = 0x69;
export const END_SESSION_ACK = 0x6c;
export const VENDOR_DEFINED_RESPONSE = 0x7e;
export const ERROR = 0x7f;

// A response code is its request's with this bit clear.
export const REQUEST_BIT = 7;

// ERROR, PARAM1
export const INVALID_REQUEST = 0x01;
export const BUSY = 0x03;
export const UNEXPECTED_REQUEST = 0x04;
export const UNSPECIFIED = 0x05;
export const DECRYPT_ERROR = 0x06;
export const UNSUPPORTED_REQUEST = 0x07;
export const REQUEST_IN_FLIGHT = 0x08;
export const INVALID_RESPONSE_CODE = 0x09;
export const SESSION_LIMIT_EXCEEDED = 0x0a;
export const SESSION_REQUIRED = 0x0b;
export const RESET_REQUIRED = 0x0c;
export const RESPONSE_TOO_LARGE = 0x0d;
export const REQUEST_TOO_LARGE = 0x0e;
export const LARGE_RESPONSE = 0x0f;
export const MESSAGE_LOST = 0x10;
export const INVALID_POLICY = 0x11;
export const VERSION_MISMATCH = 0x41;
export const RESPONSE_NOT_READY = 0x42;
export const REQUEST_RESYNCH = 0x43;
export const OPERATION_FAILED = 0x44;
export const NO_PENDING_REQUESTS = 0x45;
export const VENDOR_DEFINED_ERROR = 0xff;

// Capability flags, by position
export const CACHE_CAP_BIT = 0;
export const CERT_CAP_BIT = 1;
export const CHAL_CAP_BIT = 2;
export const MEAS_CAP_LSB = 3;
export const MEAS_CAP_WIDTH = 2;
export const MEAS_FRESH_CAP_BIT = 5;
export const ENCRYPT_CAP_BIT = 6;
export const MAC_CAP_BIT = 7;
export const MUT_AUTH_CAP_BIT = 8;
export const KEY_EX_CAP_BIT = 9;
export const PSK_CAP_LSB = 10;
export const PSK_CAP_WIDTH = 2;
export const ENCAP_CAP_BIT = 12;
export const HBEAT_CAP_BIT = 13;
export const KEY_UPD_CAP_BIT = 14;
export const HANDSHAKE_IN_THE_CLEAR_CAP_BIT = 15;
export const PUB_KEY_ID_CAP_BIT = 16;
export const CHUNK_CAP_BIT = 17;
export const MULTI_KEY_CAP_LSB = 26;
export const MULTI_KEY_CAP_WIDTH = 2;

// Algorithm bits
export const ASYM_ECDSA_P256_BIT = 4;
export const ASYM_ECDSA_P384_BIT = 7;
export const HASH_SHA256_BIT = 0;
export const HASH_SHA384_BIT = 1;
export const MEAS_HASH_SHA256_BIT = 1;
export const MEAS_HASH_SHA384_BIT = 2;
export const DHE_SECP256R1_BIT = 3;
export const DHE_SECP384R1_BIT = 4;
export const AEAD_AES_128_GCM_BIT = 0;
export const AEAD_AES_256_GCM_BIT = 1;
export const KEY_SCHEDULE_SPDM_BIT = 0;
export const MEASUREMENT_SPEC_DMTF_BIT = 0;
export const OPAQUE_FMT1_BIT = 1;

// Algorithm structure tables
export const TABLE_DHE = 2;
export const TABLE_AEAD = 3;
export const TABLE_REQ_BASE_ASYM = 4;
export const TABLE_KEY_SCHEDULE = 5;
export const TABLE_BYTES = 4;
export const TABLE_FIXED_COUNT = 0x20;

// KEY_UPDATE, PARAM1
export const UPDATE_KEY = 1;
export const UPDATE_ALL_KEYS = 2;
export const VERIFY_NEW_KEY = 3;

// Measurement summary, PARAM2 of CHALLENGE and PARAM1 of KEY_EXCHANGE
export const SUMMARY_NONE = 0;
export const SUMMARY_TCB = 1;
export const SUMMARY_ALL = 0xff;

// GET_MEASUREMENTS, PARAM1 by position, and two operations of PARAM2
export const SIGNATURE_REQUESTED_BIT = 0;
export const RAW_REQUESTED_BIT = 1;
export const NEW_REQUESTED_BIT = 2;
export const MEASUREMENT_COUNT = 0;
export const MEASUREMENT_ALL = 0xff;

export const NONCE_BYTES = 32;
export const CONTEXT_BYTES = 8;
export const MIN_DATA_TRANSFER_SIZE = 42;
export const MAX_SLOTS = 8;
