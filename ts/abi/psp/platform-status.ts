// Command buffer of PLATFORM_STATUS, all written by the firmware. SEV API (AMD 55766).
export const API_MAJOR = 0x00; // u8
export const API_MINOR = 0x01; // u8
export const STATE = 0x02; // u8
export const OWNER = 0x03; // u8
export const CONFIG_LOW = 0x04; // u8
export const CONFIG_HIGH = 0x05; // u16
export const BUILD = 0x07; // u8
export const GUEST_COUNT = 0x08; // u32
export const SIZE = 0xc;

// OWNER
export const OWNER_BIT = 0;

// CONFIG_LOW: bit 8 of the word that OWNER begins
export const CONFIG_ES_BIT = 0;
