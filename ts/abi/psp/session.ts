// Session data of LAUNCH_START, SEND_START and RECEIVE_START. SEV API (AMD 55766).
export const NONCE = 0x00; // 16
export const WRAP_TK = 0x10; // 32
export const WRAP_IV = 0x30; // 16
export const WRAP_MAC = 0x40; // 32
export const POLICY_MAC = 0x60; // 32
export const SIZE = 0x80;
