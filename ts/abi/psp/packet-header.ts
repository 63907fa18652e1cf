// The header of a packet of LAUNCH_SECRET, SEND_UPDATE_* and RECEIVE_UPDATE_*. SEV API (AMD 55766).
export const FLAGS = 0x00; // u32
export const IV = 0x04; // 16
export const MAC = 0x14; // 32
export const SIZE = 0x34;

// FLAGS
export const COMPRESSED_BIT = 0;
