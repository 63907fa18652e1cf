// What mapping answers instead of the number of tables it took.
export const REFUSED = 0xff;
export const OCCUPIED = 0xfe;
