// The secrets page in the field guide's dialect: AES-256-GCM under a key from the guest's VMPCK2, inside the VEK. DESIGN.md 5.
export const VERSION = 0x000; // u32
export const RESERVED_004 = 0x004; // u32
export const IV = 0x008; // 12
export const RESERVED_014 = 0x014; // 12
export const VMPCK2 = 0x020; // 32
export const TAG = 0x040; // 16
// The beginning of ts/abi/secrets-page.ts.
export const CONTENTS = 0x050; // 4016
export const SIZE = 0x1000;
