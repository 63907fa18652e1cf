// The header of a completion, as its octets travel: big endian. PCIe 2.2.9.
export const FORMAT_TYPE = 0x00; // u8
export const TRAFFIC_CLASS = 0x01; // u8
export const LENGTH = 0x02; // u16
export const COMPLETER_ID = 0x04; // u16
// Status in the upper three bits; the bytes that are still to come, this completion's own included, in the lower twelve.
export const STATUS_BYTE_COUNT = 0x06; // u16
export const REQUESTER_ID = 0x08; // u16
export const TAG = 0x0a; // u8
export const LOWER_ADDRESS = 0x0b; // u8
export const SIZE = 0x0c;

export const STATUS_LSB = 13;
export const BYTE_COUNT_WIDTH = 12;
export const LOWER_ADDRESS_WIDTH = 7;

export const SUCCESSFUL = 0;
export const UNSUPPORTED_REQUEST = 1;
export const COMPLETER_ABORT = 4;
