// AES key expansion for 16 and 32 bytes of key. FIPS 197, 5.2, and 5.3.5 for the equivalent inverse cipher.
import { DECRYPT, SBOX, xtime } from "./tables";

/** Rounds for a key of so many bytes. FIPS 197, figure 4. */
export function roundsOf(keyBytes: usize): usize {
  return 6 + (keyBytes >> 2);
}

function subWord(word: u32): u32 {
  return (
    u32(load<u8>(SBOX + (word & 0xff))) |
    (u32(load<u8>(SBOX + ((word >> 8) & 0xff))) << 8) |
    (u32(load<u8>(SBOX + ((word >> 16) & 0xff))) << 16) |
    (u32(load<u8>(SBOX + (word >> 24))) << 24)
  );
}

/** Expands 16 or 32 key bytes at `key` into `schedule`, for encryption. */
export function expand(key: usize, keyBytes: usize, schedule: usize): void {
  memory.copy(schedule, key, keyBytes);
  const words = keyBytes >> 2;
  const end = (roundsOf(keyBytes) + 1) << 2;
  let constant: u32 = 1;
  for (let i: usize = words; i < end; i++) {
    let word = load<u32>(schedule + ((i - 1) << 2));
    if (i % words == 0) {
      word = subWord(rotr<u32>(word, 8)) ^ constant;
      constant = xtime(constant);
    } else if (words == 8 && i % words == 4) {
      word = subWord(word);
    }
    store<u32>(schedule + (i << 2), load<u32>(schedule + ((i - words) << 2)) ^ word);
  }
}

/** Turns an encryption schedule into the one the equivalent inverse cipher uses. */
export function invert(schedule: usize, rounds: usize, inverse: usize): void {
  for (let round: usize = 0; round <= rounds; round++) {
    for (let column: usize = 0; column < 4; column++) {
      const word = load<u32>(schedule + ((rounds - round) << 4) + (column << 2));
      const mixed = round == 0 || round == rounds ? word : inverseMix(word);
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
