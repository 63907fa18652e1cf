// A guest's context as a migration agent carries it, version 2. AMD sev-tool rmp.h; spec digest attestation.md 1.
export const LD = 0x000; // 48
export const OEK = 0x030; // 32
export const VMPCK0 = 0x050; // 32
export const VMPCK1 = 0x070; // 32
export const VMPCK2 = 0x090; // 32
export const VMPCK3 = 0x0b0; // 32
export const VMRK = 0x0d0; // 32
export const HOST_DATA = 0x0f0; // 32
export const ID_KEY_DIGEST = 0x110; // 48
export const AUTHOR_KEY_DIGEST = 0x140; // 48
export const REPORT_ID = 0x170; // 32
export const IMD = 0x190; // 48
export const MSG_COUNT0 = 0x1c0; // u64
export const MSG_COUNT1 = 0x1c8; // u64
export const MSG_COUNT2 = 0x1d0; // u64
export const MSG_COUNT3 = 0x1d8; // u64
export const ROOT_MD_ENTRY = 0x1e0; // 64
export const FLAGS = 0x220; // u64
export const POLICY = 0x228; // u64
export const STATE = 0x230; // u8
export const RESERVED_231 = 0x231; // 7
export const OEK_IV_COUNT = 0x238; // u64
export const ID_BLOCK = 0x240; // 96
export const GOSVW = 0x2a0; // 16
export const DESIRED_TSC_KHZ = 0x2b0; // u32
export const RESERVED_2B4 = 0x2b4; // u32
export const LAUNCH_TCB = 0x2b8; // u64
export const LAUNCH_MIT_VECTOR = 0x2c0; // u64
export const RESERVED_2C8 = 0x2c8; // 56
export const SIZE = 0x300;

export const VERSION_2 = 2;

// FLAGS; bits 2 and up are ours.
export const AUTHOR_KEY_EN_BIT = 0;
export const ID_BLOCK_EN_BIT = 1;
export const VCEK_DIS_BIT = 2;
export const IMI_EN_BIT = 3;
export const VMRK_VALID_BIT = 4;
export const FLAGS_WIDTH = 5;
