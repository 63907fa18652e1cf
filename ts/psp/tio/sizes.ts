// How large the buffers of SEV-TIO are, as TIO_STATUS tells it. Cloister's own figures: a firmware is free to choose them.
const PAGE = 0x1000;

export const REQUEST: number = 2 * PAGE;
export const SCRATCH: number = PAGE;
export const OUTPUT_MIN: number = PAGE;
/** A report or a chain of certificates has at most 64 KiB, and two headers before it. */
export const OUTPUT_MAX: number = 17 * PAGE;
export const CONTEXT: number = PAGE;

/** The firmware's DataTransferSize: what fits a response buffer with its headers, a session's record around it and padding. */
export const DATA_TRANSFER: number = REQUEST - 0x100;
