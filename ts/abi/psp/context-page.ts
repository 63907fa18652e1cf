// A guest context page as it lies in memory: AES-256-GCM under the firmware's own key. Cloister's own.
export const NONCE = 0x0000; // 12
export const RESERVED_000C = 0x000c; // u32
export const AUTH_TAG = 0x0010; // 16
export const CIPHERTEXT = 0x0020; // 784
export const RESERVED_0330 = 0x0330; // 3280
export const SIZE = 0x1000;
