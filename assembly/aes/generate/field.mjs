// Arithmetic in AES's field, and the S-box from its definition. FIPS 197, 4 and 5.1.1.
export function multiply(a, b) {
  let product = 0;
  for (; b; b >>= 1, a = (a << 1) ^ ((a >> 7) * 0x11b)) if (b & 1) product ^= a;
  return product;
}

const BYTES = Array.from({ length: 256 }, (_, i) => i);

/** 1/x, and 0 for 0. */
export const INVERSES = BYTES.map((x) => BYTES.find((y) => multiply(x, y) === 1) ?? 0);

/** The affine map without its constant. */
export const affine = (x) =>
  [0, 1, 2, 3, 4].reduce((sum, by) => sum ^ (((x << by) | (x >> (8 - by))) & 0xff), 0);

const UNAFFINE = [];
for (const x of BYTES) UNAFFINE[affine(x)] = x;
export const unaffine = (y) => UNAFFINE[y];
