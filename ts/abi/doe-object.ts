// DOE data object header. PCIe 6.30.1; the payload follows, zero-padded to a multiple of four bytes.
export const VENDOR_ID = 0x00; // u16
export const DATA_OBJECT_TYPE = 0x02; // u8
export const RESERVED_003 = 0x03; // u8
export const LENGTH = 0x04; // u32
export const SIZE = 0x08;

// LENGTH counts DWs with the header; 0 stands for 2^18.
export const LENGTH_LSB = 0;
export const LENGTH_WIDTH = 18;

export const PCI_SIG = 0x0001;
export const DISCOVERY = 0;
export const CMA_SPDM = 1;
export const SECURED_CMA_SPDM = 2;

// Discovery, after the header.
export const DISCOVERY_INDEX_LSB = 0;
export const DISCOVERY_VERSION_LSB = 8;
export const DISCOVERED_VENDOR_LSB = 0;
export const DISCOVERED_TYPE_LSB = 16;
export const DISCOVERED_NEXT_LSB = 24;
