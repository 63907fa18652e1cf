// KEY_PROG of IDE_KM, after the protocol id. PCIe 6.33.3; the other objects are its beginning.
export const OBJECT_ID = 0x00; // u8
export const RESERVED_001 = 0x01; // u16
export const STREAM_ID = 0x03; // u8
export const RESERVED_004 = 0x04; // u8
export const KEY_SUB_STREAM = 0x05; // u8
export const PORT_INDEX = 0x06; // u8
export const KEY = 0x07; // 32
export const IFV = 0x27; // 8
export const SIZE = 0x2f;

export const QUERY = 0;
export const QUERY_RESP = 1;
export const KEY_PROG = 2;
export const KP_ACK = 3;
export const K_SET_GO = 4;
export const K_SET_STOP = 5;
export const K_GOSTOP_ACK = 6;

// KP_ACK has its status where KEY_PROG is reserved; it and the K_SET objects end after PORT_INDEX.
export const STATUS = 0x04;
export const ACK_SIZE = 0x07;

export const STATUS_SUCCESS = 0;
export const STATUS_INCORRECT_LENGTH = 1;
export const STATUS_UNSUPPORTED_PORT_INDEX = 2;
export const STATUS_UNSUPPORTED_VALUE = 3;
export const STATUS_UNSPECIFIED_FAILURE = 4;

// KEY_SUB_STREAM
export const KEY_SET_BIT = 0;
export const DIRECTION_TX_BIT = 1;
export const SUB_STREAM_LSB = 4;
export const SUB_STREAM_WIDTH = 4;
export const SUB_STREAM_PR = 0;
export const SUB_STREAM_NPR = 1;
export const SUB_STREAM_CPL = 2;

// QUERY and QUERY_RESP
export const QUERY_PORT_INDEX = 0x02;
export const QUERY_SIZE = 0x03;
export const QUERY_DEV_FUNC = 0x03;
export const QUERY_BUS = 0x04;
export const QUERY_SEGMENT = 0x05;
export const QUERY_MAX_PORT_INDEX = 0x06;
export const QUERY_REGISTERS = 0x07;
