// The header of a memory request, as its octets travel: big endian. Four DWs with a 64-bit address, three without. PCIe 2.2.
export const FORMAT_TYPE = 0x00; // u8
export const TRAFFIC_CLASS = 0x01; // u8
// The upper two bits of the length are the lower two of the first octet.
export const LENGTH = 0x02; // u16
export const REQUESTER_ID = 0x04; // u16
export const TAG = 0x06; // u8
export const BYTE_ENABLES = 0x07; // u8
export const ADDRESS = 0x08; // u64
export const SIZE = 0x10;

export const SHORT_SIZE = 0x0c;

// FORMAT_TYPE: three bits of format, five of type
export const MEMORY_READ_32 = 0x00;
export const MEMORY_READ_64 = 0x20;
export const MEMORY_WRITE_32 = 0x40;
export const MEMORY_WRITE_64 = 0x60;
export const COMPLETION = 0x0a;
export const COMPLETION_DATA = 0x4a;
// A message that ends at the other end of the link.
export const MESSAGE_LOCAL = 0x34;
export const LONG_BIT = 5;
export const DATA_BIT = 6;
export const PREFIX_BIT = 7;

// LENGTH, in DWs; 0 stands for 1024
export const LENGTH_WIDTH = 10;
export const LENGTH_MOST = 1024;

// BYTE_ENABLES
export const FIRST_ENABLES_LSB = 0;
export const LAST_ENABLES_LSB = 4;
export const ENABLES_WIDTH = 4;

// A message has its code where a request has its byte enables. Unverified: the octet of the IDE Fail message.
export const MESSAGE_CODE = 0x07;
export const IDE_FAIL = 0x54;
// Whose stream failed, in the message's third DW. Unverified.
export const MESSAGE_STREAM_ID = 0x08;
