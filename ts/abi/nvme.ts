// Registers of an NVMe controller, and the numbers of the commands that ours has. NVM Express base specification 2.0, 3.1.
export const CAP = 0x00; // u64
export const VS = 0x08; // u32
export const INTMS = 0x0c; // u32
export const INTMC = 0x10; // u32
export const CC = 0x14; // u32
export const RESERVED_18 = 0x18; // u32
export const CSTS = 0x1c; // u32
export const NSSR = 0x20; // u32
export const AQA = 0x24; // u32
export const ASQ = 0x28; // u64
export const ACQ = 0x30; // u64
export const SIZE = 0x38;

// Doorbells: a submission tail and a completion head for each queue, four bytes each.
export const DOORBELLS = 0x1000;
export const VERSION_1_4 = 0x00010400;

// CAP
export const MQES_LSB = 0;
export const CQR_BIT = 16;
export const CSS_NVM_BIT = 37;
// CC
export const EN_BIT = 0;
export const IOSQES_LSB = 16;
export const IOCQES_LSB = 20;
// CSTS
export const RDY_BIT = 0;
export const CFS_BIT = 1;
// AQA: sizes less one
export const ASQS_LSB = 0;
export const ACQS_LSB = 16;
export const AQ_WIDTH = 12;

// Admin commands
export const DELETE_SQ = 0x00;
export const CREATE_SQ = 0x01;
export const DELETE_CQ = 0x04;
export const CREATE_CQ = 0x05;
export const IDENTIFY = 0x06;
// I/O commands
export const FLUSH = 0x00;
export const WRITE = 0x01;
export const READ = 0x02;

// CNS of IDENTIFY
export const CNS_NAMESPACE = 0;
export const CNS_CONTROLLER = 1;
// Where what matters is in their 4096 bytes
export const NSZE = 0;
export const NCAP = 8;
export const LBAF0 = 128;
export const LBADS_LSB = 16;
export const MODEL = 24;
export const MDTS = 77;
export const SQES = 512;
export const CQES = 513;
export const NN = 516;

// Status: type in the upper bits, code below
export const SUCCESS = 0x000;
export const INVALID_OPCODE = 0x001;
export const INVALID_FIELD = 0x002;
export const DATA_TRANSFER_ERROR = 0x004;
export const INVALID_NAMESPACE = 0x00b;
export const PRP_OFFSET_INVALID = 0x013;
export const LBA_OUT_OF_RANGE = 0x080;
export const INVALID_QUEUE = 0x101;
export const INVALID_QUEUE_SIZE = 0x102;
export const COMPLETION_QUEUE_INVALID = 0x100;
export const WRITE_FAULT = 0x280;
export const UNRECOVERED_READ_ERROR = 0x281;
