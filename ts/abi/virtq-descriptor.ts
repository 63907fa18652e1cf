// One descriptor of a virtqueue: a buffer of the driver's. Virtio 1.2, 2.7.5.
export const ADDR = 0x0; // u64
export const LEN = 0x8; // u32
export const FLAGS = 0xc; // u16
export const NEXT = 0xe; // u16
export const SIZE = 0x10;

// FLAGS
export const NEXT_BIT = 0;
export const WRITE_BIT = 1;
