// What MSG_KEY_REQ mixes into a derived key. AMD sev-tool, snp_mix_data; MEASUREMENT whole, and the last three fields, are ours.
export const FLAGS = 0x000; // u32
export const RESERVED_004 = 0x004; // u32
export const GUEST_FIELD_SELECT = 0x008; // u64
export const VMPL = 0x010; // u32
export const GUEST_SVN = 0x014; // u32
export const TCB_VERSION = 0x018; // u64
export const POLICY = 0x020; // u64
export const IMAGE_ID = 0x028; // 16
export const FAMILY_ID = 0x038; // 16
export const MEASUREMENT = 0x048; // 48
export const HOST_DATA = 0x078; // 32
export const ID_KEY_DIGEST = 0x098; // 48
export const AUTHOR_KEY_DIGEST = 0x0c8; // 48
export const LAUNCH_MIT_VECTOR = 0x0f8; // u64
export const SIZE = 0x100;
