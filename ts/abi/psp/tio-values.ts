// Values in SEV-TIO's buffers. AMD 58271, as Linux 6.19 has them; from the data objects of a device on a draft of 2025.
// ID of a data object.
export const ID_REQ = 1;
export const ID_RESP = 2;
export const ID_CERTIFICATE = 4;
export const ID_MEASUREMENT = 5;
export const ID_REPORT = 6;

// DATA_TYPE of REQ and RESP: also the DOE data object type.
export const DATA_TYPE_SPDM = 1;
export const DATA_TYPE_SECURE_SPDM = 2;

// TYPE of the others.
export const TYPE_1 = 1;

// PAYLOAD_SZ is a multiple of this.
export const PAYLOAD_UNIT = 32;

// Addresses that a scatter list of one page has.
export const LIST_ENTRIES = 512;

// A fence as ASID_FENCE_STATUS tells it.
export const NO_FENCE = 0;
export const ERROR_FENCE = 1;
export const FENCED = 3;

// Ranges that a TDI context has room for. Cloister's own.
export const MOST_RANGES = 64;
