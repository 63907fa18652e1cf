// The .cltr trace format, version 2: its header and the bits of a record's head byte. docs/trace-format.md.
export const MAGIC = 0x00; // u32
export const VERSION = 0x04; // u16
export const FLAGS = 0x06; // u16
export const COMMAND_BYTES = 0x08; // u32
export const SAMPLED_BYTES = 0x0c; // u32
export const SIZE = 0x10;

// "CLTR", little-endian.
export const MAGIC_VALUE = 0x52544c43;
export const VERSION_VALUE = 2;
export const OLDEST_VERSION = 1;
export const TEXT_LIMIT = 0x10000;

// The head byte: kind, size code (0: a varint follows), and whether the address is the one expected.
export const KIND_LSB = 0;
export const KIND_WIDTH = 3;
export const BYTES_LSB = 3;
export const BYTES_WIDTH = 4;
export const EXPECTED_BIT = 7;

export const KIND_FETCH = 0;
export const KIND_LOAD = 1;
export const KIND_STORE = 2;
export const KIND_MODIFY = 3;
export const KIND_TRANSFER_OUT = 4;
export const KIND_TRANSFER_IN = 5;
export const KIND_HALT = 6;
export const KIND_END = 7;
// Kinds of version 2: the head's kind is 7, and its size code is the kind less 7; size and address follow as varints.
export const KIND_EXIT = 8;
export const KIND_PAGE_SHARE = 9;
export const KIND_PAGE_PRIVATE = 10;
export const KIND_DMA_OUT = 11;
export const KIND_DMA_IN = 12;
export const KIND_LIMIT = 13;

// Rows of the table of expected addresses for loads, stores and modifies; a power of two.
export const EXPECTATIONS = 0x10000;

// No record is longer: head byte, size varint, address varint.
export const RECORD_LIMIT = 16;
