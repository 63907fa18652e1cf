// Type 1 configuration space header, where it differs from ts/abi/config-space.ts: a root port. PCIe 7.5.1.3.
export const PRIMARY_BUS = 0x18;
export const SECONDARY_BUS = 0x19;
export const SUBORDINATE_BUS = 0x1a;
export const HEADER_TYPE = 1;
// A PCI-to-PCI bridge: base class, then sub-class.
export const BASE_CLASS = 0x06;
export const SUB_CLASS = 0x04;
