// RDX of RMPADJUST and RMPQUERY. APM vol. 3; spec digest rmp.md 4.1.
export const TARGET_VMPL_LSB = 0;
export const TARGET_VMPL_WIDTH = 8;
export const PERMISSIONS_LSB = 8;
export const PERMISSIONS_WIDTH = 8;
export const VMSA_BIT = 16;
export const RESERVED_LSB = 17;
