// Round keys as the kernels want them: all but the first and the last, which the kernels add with the tweak, with the S-box's
// constant put in, in the kernel's own form.
import { DECRYPT_TABLES, ENCRYPT_TABLES, INPUT } from "./generated/permute";
import { CONSTANT } from "./spread";

/** Writes the sliced form: 8 vectors for a round key, all ones where a byte has the bit. Takes the encryption schedule. The kernel
 *  never shifts rows (assembly/aes/generate/rows.mjs): row r of a key stands r columns further on with each round. */
export function slice(schedule: usize, rounds: usize, to: usize, decrypt: bool): void {
  for (let round: usize = 1; round < rounds; round++) {
    const key = schedule + ((decrypt ? rounds - round : round) << 4);
    const shifts = decrypt ? 0 - round : round;
    for (let lane: usize = 0; lane < 16; lane++) {
      const row = lane >> 2;
      const column = (lane - shifts * row) & 3;
      const byte = load<u8>(key + (column << 2) + row) ^ CONSTANT;
      for (let position: usize = 0; position < 8; position++) {
        const all: u8 = (byte >> u8(position)) & 1 ? 0xff : 0;
        store<u8>(to + (position << 4) + lane, all);
      }
    }
    to += 128;
  }
}

/** Writes the permuted form, by rows of the state. Takes the schedule of the direction: the inverse cipher's for decryption. */
export function permute(schedule: usize, rounds: usize, to: usize, decrypt: bool): void {
  const tables = (decrypt ? DECRYPT_TABLES : ENCRYPT_TABLES) + INPUT;
  for (let round: usize = 1; round < rounds; round++) {
    const key = schedule + (round << 4);
    for (let lane: usize = 0; lane < 16; lane++) {
      const byte = load<u8>(key + ((lane & 3) << 2) + (lane >> 2)) ^ CONSTANT;
      store<u8>(to + lane, load<u8>(tables + (byte & 15)) ^ load<u8>(tables + 16 + (byte >> 4)));
    }
    to += 16;
  }
}

/** Writes the form of assembly/aes/spread.ts. Takes the schedule of the direction. */
export function spread(schedule: usize, rounds: usize, to: usize): void {
  const end = schedule + (rounds << 4);
  for (let at = schedule + 16; at < end; at++) {
    store<u16>(to, u16(load<u8>(at) ^ CONSTANT) << 4);
    to += 2;
  }
}
