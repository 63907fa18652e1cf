// What an instance that decodes .cltr (assembly/parse/cltr.ts) holds from Memory.FRAME_TABLE on.
// One reader's own: where the next access of each row is expected, rows of instructions before one for each kind of
// ts/abi/cltr.ts, u64 each; and the address of the last fetch.
export const ENDS = 0x00000; // 524392
export const FETCHED = 0x80068; // u32
export const RESERVED_8006C = 0x8006c; // 4
// The handler that the low seven bits of a head byte stand for, UNUSUAL for those that say too little.
export const HANDLERS = 0x80070; // 128
// The handler of a kind and a size: one row a kind, one column a size, the last for every larger one.
export const OPERATIONS = 0x800f0; // 130
export const RESERVED_80172 = 0x80172; // 2
// How many of each kind were made.
export const COUNTS = 0x80174; // 52
export const SIZE = 0x801a8;

export const COLUMNS = 10;
export const UNUSUAL = 255;

// What parseCltr answers: bytes taken, and above them the records made.
export const TAKEN_LSB = 0;
export const TAKEN_WIDTH = 17;
export const MADE_LSB = 17;
export const MADE_WIDTH = 15;
