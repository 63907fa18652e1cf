// What the core's parser knows of each of lackey's four lines: a row, found by the low bits of the line's second character.
// The three characters before the address, as a little-endian word.
export const PREFIX = 0x00; // u32
// What one line adds to four counts of 8 bits, a kind each.
export const COUNT = 0x04; // u32
// The second half of the record of each size from 1 to 9, the last of which has the handler of all larger ones.
export const HALVES = 0x08; // 72
export const RESERVED_50 = 0x50; // 176
export const SIZE = 0x100;

// Of a line's first four bytes, the bits that are its row's offset: " ", "S", "L" and "M" have rows 0, 3, 4 and 5.
export const ROW_MASK = 0x700;
export const ROWS = 8;
export const NARROW = 9;
