// The PSP's mailbox registers as offsets in the core's own register file. Linux sp-pci.c; spec digest psp-mailbox-commands.md 1.
export const CMD_RESP = 0x00; // u32
export const CMD_BUF_ADDR_LO = 0x04; // u32
export const CMD_BUF_ADDR_HI = 0x08; // u32
export const FEATURE = 0x0c; // u32
export const P2C_INTERRUPT_ENABLE = 0x10; // u32
export const P2C_INTERRUPT_STATUS = 0x14; // u32
export const SIZE = 0x18;

// CMD_RESP
export const INTERRUPT_ON_COMPLETION_BIT = 0;
export const STATUS_LSB = 0;
export const STATUS_WIDTH = 16;
export const COMMAND_LSB = 16;
export const COMMAND_WIDTH = 11;
export const RESPONSE_BIT = 31;

// FEATURE
export const SEV_BIT = 0;

// P2C_INTERRUPT_STATUS
export const COMMAND_COMPLETE_BIT = 1;
