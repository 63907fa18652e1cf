// Types of guest messages; a response has its request's type and one. SEV-SNP Firmware ABI (AMD 56860), 7; Linux sev-guest.h.
export const CPUID_REQ = 1;
export const CPUID_RSP = 2;
export const KEY_REQ = 3;
export const KEY_RSP = 4;
export const REPORT_REQ = 5;
export const REPORT_RSP = 6;
export const EXPORT_REQ = 7;
export const EXPORT_RSP = 8;
export const IMPORT_REQ = 9;
export const IMPORT_RSP = 10;
export const ABSORB_REQ = 11;
export const ABSORB_RSP = 12;
export const VMRK_REQ = 13;
export const VMRK_RSP = 14;
export const ABSORB_NOMA_REQ = 15;
export const ABSORB_NOMA_RSP = 16;
export const TSC_INFO_REQ = 17;
export const TSC_INFO_RSP = 18;
// Carried by TIO_GUEST_REQUEST alone; a draft, as AMD's Linux series of 2025 has them (first 0x81 to 0x84, then 1 to 4).
export const TDI_INFO_REQ = 19;
export const TDI_INFO_RSP = 20;
export const MMIO_VALIDATE_REQ = 21;
export const MMIO_VALIDATE_RSP = 22;
export const MMIO_CONFIG_REQ = 23;
export const MMIO_CONFIG_RSP = 24;
export const SDTE_WRITE_REQ = 25;
export const SDTE_WRITE_RSP = 26;

// STATUS of a response.
export const SUCCESS = 0x00;
export const INVALID_PARAMETERS = 0x16;
export const INVALID_KEY = 0x27;

// ALGO and HDR_VERSION of a header.
export const AES_256_GCM = 1;
export const HDR_VERSION_1 = 1;
// Payload bytes that fit a message, and bytes of its IV.
export const PAYLOAD_LIMIT = 4000;
export const IV_BYTES = 12;

// KEY_SEL of MSG_REPORT_REQ and MSG_KEY_REQ.
export const KEY_SEL_VLEK_OR_VCEK = 0;
export const KEY_SEL_VCEK = 1;
export const KEY_SEL_VLEK = 2;
