// A descriptor of the emulated network loop's rings.
export const ADDRESS = 0x00; // u64
// Bytes to send; of a receive descriptor the room there is, then the bytes that came.
export const LENGTH = 0x08; // u32
export const FLAGS = 0x0c; // u32
export const SIZE = 0x10;

// FLAGS: the device is done with it; the frame was longer than the room
export const DONE_BIT = 0;
export const TRUNCATED_BIT = 1;
