// Command buffer of ACTIVATE; DEACTIVATE and DECOMMISSION read its HANDLE alone. SEV API (AMD 55766), 6.
export const HANDLE = 0x0; // u32
export const ASID = 0x4; // u32
export const SIZE = 0x8;
