// The #HV doorbell page of restricted injection. AMD 56421; coconut-svsm hv_doorbell.rs; spec digest ghcb.md 5.
export const VECTOR = 0x00; // u8
export const FLAGS = 0x01; // u8
export const NO_EOI_REQUIRED = 0x02; // u8
export const VMPL_EVENTS = 0x03; // u8
export const RESERVED_04 = 0x04; // 60
// What waits for the lower levels, one record each: see EXT_*.
export const VMPL1 = 0x40; // 64
export const VMPL2 = 0x80; // 64
export const VMPL3 = 0xc0; // 64
export const RESERVED_100 = 0x100; // 3840
export const SIZE = 0x1000;

// FLAGS
export const NMI_PENDING_BIT = 0;
export const MC_PENDING_BIT = 1;
export const NO_FURTHER_SIGNAL_BIT = 7;

// Within a record of a lower level
export const EXT_STATUS = 0x00;
export const EXT_IRR = 0x04;
export const EXT_ISR = 0x20;
export const EXT_SIZE = 0x40;

// EXT_STATUS
export const STATUS_VECTOR_WIDTH = 8;
export const STATUS_NMI_BIT = 8;
export const STATUS_MC_BIT = 9;
export const STATUS_LEVEL_BIT = 10;
export const STATUS_MULTIPLE_BIT = 14;
export const STATUS_IPI_REQUESTED_BIT = 27;
export const STATUS_VECTOR_31_BIT = 31;
