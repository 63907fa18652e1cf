// A split virtqueue of 64 descriptors in one page. Virtio 1.2, 2.7.
export const DESCRIPTORS = 0x000; // 1024
export const AVAIL_FLAGS = 0x400; // u16
export const AVAIL_IDX = 0x402; // u16
export const AVAIL_RING = 0x404; // 128
export const RESERVED_484 = 0x484; // 892
export const USED_FLAGS = 0x800; // u16
export const USED_IDX = 0x802; // u16
export const USED_RING = 0x804; // 512
export const RESERVED_A04 = 0xa04; // 1532
export const SIZE = 0x1000;

export const ENTRIES = 64;
export const USED_SIZE = 8;
