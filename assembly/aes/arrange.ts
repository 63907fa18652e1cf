// Round keys as the kernels want them: by rows of the state (assembly/aes/generate/rows.mjs), with the S-box's constant 63 put
// in, in the kernel's own form.
import { DECRYPT, ENCRYPT, INPUT } from "./generated/permute";

const CONSTANT: u8 = 0x63; // of the affine map, FIPS 197, 5.1.1

/** The byte of a round key that belongs in a lane: lanes go by rows of the state, bytes by columns. */
function byteAt(key: usize, lane: usize): u8 {
  return load<u8>(key + ((lane & 3) << 2) + (lane >> 2));
}

/** Writes the sliced form: for each round key 8 vectors, all ones where a byte has the bit. Takes the encryption schedule. */
export function slice(schedule: usize, rounds: usize, to: usize, decrypt: bool): void {
  for (let round: usize = 0; round <= rounds; round++) {
    const key = schedule + ((decrypt ? rounds - round : round) << 4);
    // An inverse S-box takes the constant before it, the S-box leaves it behind.
    const constant = round != (decrypt ? rounds : 0) ? CONSTANT : 0;
    for (let lane: usize = 0; lane < 16; lane++) {
      const byte = byteAt(key, lane) ^ constant;
      for (let position: usize = 0; position < 8; position++) {
        const all: u8 = (byte >> u8(position)) & 1 ? 0xff : 0;
        store<u8>(to + (round << 7) + (position << 4) + lane, all);
      }
    }
  }
}

/** Writes the permuted form. Takes the schedule of the direction: the inverse cipher's for decryption. */
export function permute(schedule: usize, rounds: usize, to: usize, decrypt: bool): void {
  const tables = (decrypt ? DECRYPT : ENCRYPT) + INPUT;
  for (let round: usize = 0; round <= rounds; round++) {
    const constant = round != (decrypt ? rounds : 0) ? CONSTANT : 0;
    for (let lane: usize = 0; lane < 16; lane++) {
      let byte = byteAt(schedule + (round << 4), lane) ^ constant;
      if (round != rounds)
        byte = load<u8>(tables + (byte & 15)) ^ load<u8>(tables + 16 + (byte >> 4));
      store<u8>(to + (round << 4) + lane, byte);
    }
  }
}
