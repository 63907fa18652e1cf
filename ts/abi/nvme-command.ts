// A submission queue entry. NVM Express base specification 2.0, figure 87.
export const OPCODE = 0x00; // u8
export const FLAGS = 0x01; // u8
export const COMMAND_ID = 0x02; // u16
export const NAMESPACE_ID = 0x04; // u32
export const RESERVED_08 = 0x08; // 8
export const METADATA = 0x10; // u64
export const PRP1 = 0x18; // u64
export const PRP2 = 0x20; // u64
export const CDW10 = 0x28; // u32
export const CDW11 = 0x2c; // u32
export const CDW12 = 0x30; // u32
export const RESERVED_34 = 0x34; // 12
export const SIZE = 0x40;

// CREATE_CQ and CREATE_SQ: CDW10 has the queue and its size less one, CDW11 "contiguous" and a submission queue's completion queue
export const QUEUE_ID_LSB = 0;
export const QUEUE_SIZE_LSB = 16;
export const CONTIGUOUS_BIT = 0;
export const CQ_ID_LSB = 16;
