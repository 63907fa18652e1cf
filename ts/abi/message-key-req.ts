// MSG_KEY_REQ; version 1 ends before LAUNCH_MIT_VECTOR. SEV-SNP Firmware ABI (AMD 56860), 7.2; Linux snp_derived_key_req.
export const FLAGS = 0x00; // u32
export const RESERVED_04 = 0x04; // u32
export const GUEST_FIELD_SELECT = 0x08; // u64
export const VMPL = 0x10; // u32
export const GUEST_SVN = 0x14; // u32
export const TCB_VERSION = 0x18; // u64
export const LAUNCH_MIT_VECTOR = 0x20; // u64
export const SIZE = 0x28;

export const VERSION_1_SIZE = 0x20;

// FLAGS.
export const ROOT_KEY_SELECT_BIT = 0;
export const KEY_SEL_LSB = 1;
export const KEY_SEL_WIDTH = 2;

// GUEST_FIELD_SELECT.
export const SELECT_GUEST_POLICY_BIT = 0;
export const SELECT_IMAGE_ID_BIT = 1;
export const SELECT_FAMILY_ID_BIT = 2;
export const SELECT_MEASUREMENT_BIT = 3;
export const SELECT_GUEST_SVN_BIT = 4;
export const SELECT_TCB_VERSION_BIT = 5;
export const SELECT_LAUNCH_MIT_VECTOR_BIT = 6;
export const VERSION_1_SELECT_WIDTH = 6;
export const SELECT_WIDTH = 7;
