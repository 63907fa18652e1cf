// CHUNK_SEND and CHUNK_RESPONSE up to their data. DSP0274 10.26.
export const RESERVED_000 = 0x00; // 4
export const CHUNK_SEQ_NO = 0x04; // u16
export const RESERVED_006 = 0x06; // u16
export const CHUNK_SIZE = 0x08; // u32
export const SIZE = 0x0c;

export const LAST_CHUNK_BIT = 0;
export const EARLY_ERROR_BIT = 0;
// In chunk 0 the whole message's size stands before the data.
export const LARGE_MESSAGE_SIZE_BYTES = 4;
// CHUNK_GET and CHUNK_SEND_ACK end after the sequence number.
export const SEQ_END = 0x06;
export const MIN_CHUNK_BYTES = 26;
