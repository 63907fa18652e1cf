// Registers of the emulated accelerator, which computes SHA-384 over buffers in memory. A device of Cloister's own.
export const STATUS = 0x00; // u32
// Ringing it runs the list of descriptors: how many there are.
export const DOORBELL = 0x04; // u32
export const LIST = 0x08; // u64
// Where the digest is written: 48 bytes.
export const RESULT = 0x10; // u64
export const SIZE = 0x18;

// STATUS
export const IDLE = 0;
export const DONE = 1;
export const FAULT = 2;

// A descriptor: where a buffer is, and its bytes
export const DESCRIPTOR_ADDRESS = 0x0;
export const DESCRIPTOR_LENGTH = 0x8;
export const DESCRIPTOR_SIZE = 0x10;
export const MOST_DESCRIPTORS = 256;
export const MOST_BYTES = 0x1000000;
