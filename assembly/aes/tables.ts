// AES tables computed from the field, not pasted: S-boxes and the four rotations of each column table. FIPS 197, 5.1 to 5.3.
import * as Memory from "../../ts/abi/memory";
import { CONSTANT, fillEntry } from "./spread";
import * as Spread from "./spread";

export const ENCRYPT: usize = Memory.AES; // 4 tables of 256 u32: S-box, ShiftRows' byte, MixColumns' column
export const DECRYPT: usize = Memory.AES + 0x1000; // the same for the inverse cipher
export const SBOX: usize = Memory.AES + 0x2000;
export const INVERSE_SBOX: usize = Memory.AES + 0x2100;

/** Multiplication by x in GF(2^8). FIPS 197, 4.2.1. */
export function xtime(a: u32): u32 {
  return ((a << 1) ^ ((a >> 7) * 0x11b)) & 0xff;
}

function multiply(a: u32, b: u32): u32 {
  let product: u32 = 0;
  for (; b; b >>= 1, a = xtime(a)) if (b & 1) product ^= a;
  return product;
}

function fillSboxes(): void {
  // Zero has no inverse, so S(00) = 63. FIPS 197, 5.1.1.
  store<u8>(SBOX, 0x63);
  store<u8>(INVERSE_SBOX + 0x63, 0);
  // 3 generates the multiplicative group: its powers meet every a, and 0xf6 = 1/3 gives 1/a beside it.
  let a: u32 = 1;
  let inverse: u32 = 1;
  do {
    const b = inverse;
    const s = (b ^ rotl8(b, 1) ^ rotl8(b, 2) ^ rotl8(b, 3) ^ rotl8(b, 4) ^ 0x63) & 0xff;
    store<u8>(SBOX + a, u8(s));
    store<u8>(INVERSE_SBOX + s, u8(a));
    a = multiply(a, 3);
    inverse = multiply(inverse, 0xf6);
  } while (a != 1);
}

function rotl8(b: u32, by: u32): u32 {
  return ((b << by) | (b >> (8 - by))) & 0xff;
}

/** A column of the state as a little-endian word, row 0 lowest, that has a byte in row 0: MixColumns of it. FIPS 197, 5.1.3. */
function mixed(s: u32): u32 {
  return xtime(s) | (s << 8) | (s << 16) | ((xtime(s) ^ s) << 24);
}

/** InvMixColumns of it. FIPS 197, 5.3.3. */
function unmixed(t: u32): u32 {
  return (
    multiply(t, 14) | (multiply(t, 9) << 8) | (multiply(t, 13) << 16) | (multiply(t, 11) << 24)
  );
}

/** Fills the tables once, at start-up. */
export function fillTables(): void {
  fillSboxes();
  for (let i: u32 = 0; i < 256; i++) {
    const s = u32(load<u8>(SBOX + i));
    const t = u32(load<u8>(INVERSE_SBOX + i));
    for (let row: u32 = 0; row < 4; row++) {
      store<u32>(ENCRYPT + (row << 10) + (i << 2), rotl<u32>(mixed(s), row << 3));
      store<u32>(DECRYPT + (row << 10) + (i << 2), rotl<u32>(unmixed(t), row << 3));
    }
    fillEntry(Spread.ENCRYPT + (i << 4), s ^ CONSTANT, mixed(s ^ CONSTANT));
    fillEntry(Spread.DECRYPT + ((i ^ CONSTANT) << 4), t, unmixed(t));
  }
}
