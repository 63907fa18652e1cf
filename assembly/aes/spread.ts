// The form of a state that the kernels work on between their vectors (assembly/aes/generate/spread.mjs): each byte is 16 bits,
// and 16 times itself, which is where its entry lies in a table of 256 entries of 16 bytes. An entry is seven such fields, any four
// in a row of which are a column of the state, and in its last two bytes what the last round wants.
import * as Memory from "../../ts/abi/memory";

export const ENCRYPT: usize = Memory.SPREAD;
export const DECRYPT: usize = Memory.SPREAD + 0x1000;

// What the kernels work in: of each block two states of 32 bytes, and the last round's bytes.
const BLOCKS: usize = 2;
export const STATES: usize = Memory.AES + 0x2400;
export const BYTES: usize = STATES + BLOCKS * 64;

/** Of the S-box's affine map, FIPS 197, 5.1.1. The S-box of these kernels does not have it, the round keys do: an inverse S-box
 *  takes it before it, the S-box leaves it behind. */
export const CONSTANT: u8 = 0x63;

/** Fills a byte's entry: what the last round makes of it, and the column of the state that another round makes. */
export function fillEntry(at: usize, last: u32, column: u32): void {
  for (let field: usize = 0; field < 7; field++) {
    store<u16>(at + (field << 1), u16((column & 0xff) << 4));
    column = rotr<u32>(column, 8);
  }
  store<u8>(at, u8(last), 14);
}
