// Statuses of SEV-TIO's guest messages, by the message.
// SEV-TIO firmware interface (AMD 58271), a draft: as AMD's Linux series and OpenVMM (revision 0.91) have it.
// MSG_TDI_INFO_RSP.
export const INFO_BOUND = 0;
export const INFO_INVALID = 1;
export const INFO_UNBOUND = 2;

// MSG_MMIO_VALIDATE_RSP, as the newest series has it; in older ones NOT_IO is missing and what follows is one less.
export const VALIDATE_SUCCESS = 0;
export const VALIDATE_INVALID_TDI = 1;
export const VALIDATE_UNBOUND = 2;
export const VALIDATE_NOT_ASSIGNED = 3;
export const VALIDATE_NOT_IO = 4;
export const VALIDATE_NOT_UNIFORM = 5;
export const VALIDATE_NOT_IMMUTABLE = 6;
export const VALIDATE_NOT_MAPPED = 7;
export const VALIDATE_NOT_REPORTED = 8;
export const VALIDATE_OUT_OF_RANGE = 9;
export const VALIDATE_NOT_4K = 10;

// MSG_MMIO_CONFIG_RSP.
export const CONFIG_SUCCESS = 0;
export const CONFIG_INVALID_TDI = 1;
export const CONFIG_UNBOUND = 2;
export const CONFIG_NOT_REPORTED = 3;
export const CONFIG_NOT_CHANGED = 4;

// MSG_SDTE_WRITE_RSP.
export const SDTE_SUCCESS = 0;
export const SDTE_INVALID_TDI = 1;
export const SDTE_UNBOUND = 2;
export const SDTE_RESERVED = 3;
