// The secrets page that the firmware writes for a guest. AMD 56860, 8.17.2.5; Linux asm/sev.h; spec digest launch-measurement.md 3.
export const VERSION = 0x000; // u32
export const FLAGS = 0x004; // u32
export const FMS = 0x008; // u32
export const RESERVED_00C = 0x00c; // u32
export const GOSVW = 0x010; // 16
export const VMPCK0 = 0x020; // 32
export const VMPCK1 = 0x040; // 32
export const VMPCK2 = 0x060; // 32
export const VMPCK3 = 0x080; // 32
// The guest's own, zeroed by the firmware: sequence numbers (two words each), AP jump table.
export const MESSAGE_LOW0 = 0x0a0; // u32
export const MESSAGE_LOW1 = 0x0a4; // u32
export const MESSAGE_LOW2 = 0x0a8; // u32
export const MESSAGE_LOW3 = 0x0ac; // u32
export const AP_JUMP_TABLE = 0x0b0; // u64
export const MESSAGE_HIGH0 = 0x0b8; // u32
export const MESSAGE_HIGH1 = 0x0bc; // u32
export const MESSAGE_HIGH2 = 0x0c0; // u32
export const MESSAGE_HIGH3 = 0x0c4; // u32
export const RESERVED_0C8 = 0x0c8; // 22
export const GUEST_AREA_VERSION = 0x0de; // u16
export const GUEST_USAGE = 0x0e0; // 32
export const VMSA_TWEAK_BITMAP = 0x100; // 64
// Filled by the SVSM.
export const SVSM_BASE = 0x140; // u64
export const SVSM_BYTES = 0x148; // u64
export const SVSM_CAA = 0x150; // u64
export const SVSM_MAX_VERSION = 0x158; // u32
export const SVSM_GUEST_VMPL = 0x15c; // u8
export const RESERVED_15D = 0x15d; // 3
export const TSC_FACTOR = 0x160; // u32
export const RESERVED_164 = 0x164; // u32
export const LAUNCH_MIT_VECTOR = 0x168; // u64
export const RESERVED_170 = 0x170; // 3728
export const SIZE = 0x1000;

// FLAGS
export const IMI_EN_BIT = 0;
