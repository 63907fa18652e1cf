// The IDE prefix before a protected TLP, and the MAC behind its data. PCIe 2.2.10, 6.33.5. Unverified: where its bits are.
export const FORMAT_TYPE = 0x00; // u8
export const BITS = 0x01; // u8
export const STREAM_ID = 0x02; // u8
// Posted requests sent since the last TLP of this sub-stream; 0 in posted requests.
export const PR_SENT_COUNTER = 0x03; // u8
export const SIZE = 0x04;

export const IDE = 0x92;

// BITS
export const SUB_STREAM_LSB = 0;
export const SUB_STREAM_WIDTH = 3;
// It comes from inside a TEE.
export const T_BIT = 4;
export const K_BIT = 5;
// The MAC of the aggregated unit follows.
export const M_BIT = 7;

export const MAC_BYTES = 12;
