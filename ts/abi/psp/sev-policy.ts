// The policy word of SEV and SEV-ES guests, by bit. SEV API (AMD 55766).
export const NODBG_BIT = 0;
export const NOKS_BIT = 1;
export const ES_BIT = 2;
export const NOSEND_BIT = 3;
export const DOMAIN_BIT = 4;
export const SEV_BIT = 5;
export const API_MAJOR_LSB = 16;
export const API_MAJOR_WIDTH = 8;
export const API_MINOR_LSB = 24;
export const API_MINOR_WIDTH = 8;
