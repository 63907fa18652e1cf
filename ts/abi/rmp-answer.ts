// What an RMP instruction answers: EAX in the low byte, and beside it CF of PVALIDATE or RDX and RCX of RMPQUERY.
export const EAX_LSB = 0;
export const EAX_WIDTH = 8;

// PVALIDATE: CF, "nothing changed"
export const CARRY_BIT = 8;

// RMPQUERY: where RDX has them, and RCX
export const PERMISSIONS_LSB = 8;
export const PERMISSIONS_WIDTH = 8;
export const VMSA_BIT = 16;
export const LARGE_BIT = 17;

// The instruction did not complete: the exit record says why.
export const REFUSED = 0x40000000;
