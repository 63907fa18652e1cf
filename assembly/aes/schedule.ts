// AES-128 key expansion. FIPS 197, 5.2, and 5.3.5 for the equivalent inverse cipher.
import { DECRYPT, SBOX, xtime } from "./tables";

const ROUNDS: usize = 10;
/** Bytes of one expanded key: 11 round keys. */
export const SCHEDULE = 176;

function subWord(word: u32): u32 {
  return (
    u32(load<u8>(SBOX + (word & 0xff))) |
    (u32(load<u8>(SBOX + ((word >> 8) & 0xff))) << 8) |
    (u32(load<u8>(SBOX + ((word >> 16) & 0xff))) << 16) |
    (u32(load<u8>(SBOX + (word >> 24))) << 24)
  );
}

/** Expands 16 key bytes at `key` into `schedule`, for encryption. */
export function expand(key: usize, schedule: usize): void {
  memory.copy(schedule, key, 16);
  let constant: u32 = 1;
  for (let i: usize = 4; i < 44; i++) {
    let word = load<u32>(schedule + ((i - 1) << 2));
    if ((i & 3) == 0) {
      word = subWord(rotr<u32>(word, 8)) ^ constant;
      constant = xtime(constant);
    }
    store<u32>(schedule + (i << 2), load<u32>(schedule + ((i - 4) << 2)) ^ word);
  }
}

/** Turns an encryption schedule into the one the equivalent inverse cipher uses. */
export function invert(schedule: usize, inverse: usize): void {
  for (let round: usize = 0; round <= ROUNDS; round++) {
    for (let column: usize = 0; column < 4; column++) {
      const word = load<u32>(schedule + ((ROUNDS - round) << 4) + (column << 2));
      const mixed = round == 0 || round == ROUNDS ? word : inverseMix(word);
      store<u32>(inverse + (round << 4) + (column << 2), mixed);
    }
  }
}

/** InvMixColumns of one column: the decryption table undoes its S-box step on S(x). */
function inverseMix(word: u32): u32 {
  return (
    load<u32>(DECRYPT + (u32(load<u8>(SBOX + (word & 0xff))) << 2)) ^
    load<u32>(DECRYPT + 0x400 + (u32(load<u8>(SBOX + ((word >> 8) & 0xff))) << 2)) ^
    load<u32>(DECRYPT + 0x800 + (u32(load<u8>(SBOX + ((word >> 16) & 0xff))) << 2)) ^
    load<u32>(DECRYPT + 0xc00 + (u32(load<u8>(SBOX + (word >> 24))) << 2))
  );
}
