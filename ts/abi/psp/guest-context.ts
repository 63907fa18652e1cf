// The plaintext of a guest context page. Cloister's own: AMD does not publish it.
export const STATE = 0x000; // u32
export const ASID = 0x004; // u32
export const POLICY = 0x008; // u64
export const FLAGS = 0x010; // u32
export const DESIRED_TSC_KHZ = 0x014; // u32
export const LAUNCH_TCB = 0x018; // u64
export const LAUNCH_MIT_VECTOR = 0x020; // u64
export const MA_CONTEXT = 0x028; // u64
export const OEK_IV = 0x030; // u64
export const RESERVED_038 = 0x038; // u64
export const REPORT_ID = 0x040; // 32
export const REPORT_ID_MA = 0x060; // 32
export const HOST_DATA = 0x080; // 32
export const MEASUREMENT = 0x0a0; // 48
export const IMD = 0x0d0; // 48
export const GOSVW = 0x100; // 16
export const ID_BLOCK = 0x110; // 96
export const ID_KEY_DIGEST = 0x170; // 48
export const AUTHOR_KEY_DIGEST = 0x1a0; // 48
// Keys of 16 or 32 bytes: KEYS_256_BIT.
export const VEK = 0x1d0; // 32
export const TWEAK_KEY = 0x1f0; // 32
export const OEK = 0x210; // 32
export const VMPCK = 0x230; // 128
export const MESSAGE_COUNT = 0x2b0; // 32
export const VMRK = 0x2d0; // 32
export const ROOT_METADATA = 0x2f0; // 64
export const SIZE = 0x330;

// FLAGS
export const ID_BLOCK_EN_BIT = 0;
export const AUTHOR_KEY_EN_BIT = 1;
export const VCEK_DIS_BIT = 2;
export const IMI_EN_BIT = 3;
export const MA_EN_BIT = 4;
export const VMRK_EN_BIT = 5;
export const KEYS_256_BIT = 6;
