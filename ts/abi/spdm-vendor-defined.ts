// VENDOR_DEFINED_REQUEST and _RESPONSE up to the vendor id. DSP0274 10.23.
export const RESERVED_000 = 0x00; // 4
export const STANDARD_ID = 0x04; // u16
export const VENDOR_ID_LENGTH = 0x06; // u8
export const SIZE = 0x07;

export const STANDARD_PCI_SIG = 0x0003;
export const VENDOR_PCI_SIG = 0x0001;
export const VENDOR_CXL = 0x1e98;

export const PROTOCOL_IDE_KM = 0x00;
export const PROTOCOL_TDISP = 0x01;
export const PROTOCOL_CXL_IDE_KM = 0x00;
export const PROTOCOL_CXL_TSP = 0x01;
