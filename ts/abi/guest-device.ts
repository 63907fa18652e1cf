// Frames of `cloister guest-device serve`, all numbers little-endian. docs/guest-device.md. What follows COMMAND depends on it.
export const LENGTH = 0x00; // u32
export const COMMAND = 0x04; // u32
export const SIZE = 0x08;

// COMMAND is the number of an ioctl (ts/abi/sev-guest.ts), or a file operation in configfs-tsm's report directory.
export const MKDIR = 1;
export const RMDIR = 2;
export const READ = 3;
export const WRITE = 4;
// Bytes that LENGTH may count.
export const LENGTH_LIMIT = 0x10000;
