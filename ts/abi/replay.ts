// Why the replay loop stopped: the answer is a record's place in the batch, and above it the reason.
export const STOP_LSB = 24;
export const STOP_WIDTH = 8;

export const BATCH_RECORDS = 65536;

// STOP
export const DONE = 0;
export const REFUSED = 1;
export const TRANSFER = 2;
export const DIFFERS = 3;

// State.CHECK_EACH
export const UNCHECKED = 0;
export const NOTE = 1;
export const COMPARE = 2;
