// Data Object Exchange extended capability. PCIe 6.30; register names as in Linux pci_regs.h.
export const EXTENDED_HEADER = 0x00; // u32
export const CAPABILITY = 0x04; // u32
export const CONTROL = 0x08; // u32
export const STATUS = 0x0c; // u32
export const WRITE_DATA_MAILBOX = 0x10; // u32
export const READ_DATA_MAILBOX = 0x14; // u32
export const SIZE = 0x18;

export const EXTENDED_CAPABILITY_ID = 0x2e;

// CAPABILITY
export const INTERRUPT_SUPPORT_BIT = 0;
export const INTERRUPT_MESSAGE_NUMBER_LSB = 1;
export const INTERRUPT_MESSAGE_NUMBER_WIDTH = 11;

// CONTROL
export const ABORT_BIT = 0;
export const INTERRUPT_ENABLE_BIT = 1;
export const GO_BIT = 31;

// STATUS
export const BUSY_BIT = 0;
export const INTERRUPT_STATUS_BIT = 1;
export const ERROR_BIT = 2;
export const DATA_OBJECT_READY_BIT = 31;
