// AES-128 as FIPS 197 writes it: bytes in a 4 x 4 state, no tables but the S-box, and that computed by search.
type State = number[];

/** Multiplication in GF(2^8). FIPS 197, 4.2. */
function times(a: number, b: number): number {
  let product = 0;
  for (let i = 7; i >= 0; i--) {
    product = (product << 1) ^ (product & 0x80 ? 0x11b : 0);
    if ((b >> i) & 1) product ^= a;
  }
  return product & 0xff;
}

/** 5.1.1: the multiplicative inverse, then the affine transformation bit by bit. */
function substitute(a: number): number {
  let inverse = 0;
  for (let b = 1; b < 256; b++) if (times(a, b) === 1) inverse = b;
  let out = 0;
  for (let i = 0; i < 8; i++) {
    const from = (j: number) => (inverse >> ((i + j) % 8)) & 1;
    out |= (from(0) ^ from(4) ^ from(5) ^ from(6) ^ from(7) ^ ((0x63 >> i) & 1)) << i;
  }
  return out;
}

const SBOX = Array.from({ length: 256 }, (_, a) => substitute(a));
const INVERSE = SBOX.reduce<number[]>((box, s, a) => {
  box[s] = a;
  return box;
}, []);

/** 5.2: 44 words of 4 bytes, as 11 round keys of 16. */
function expand(key: Uint8Array): number[][] {
  const words: number[][] = [];
  for (let i = 0; i < 4; i++) words.push([...key.subarray(4 * i, 4 * i + 4)]);
  let rcon = 1;
  for (let i = 4; i < 44; i++) {
    let word = words[i - 1]!;
    if (i % 4 === 0) {
      word = [word[1]!, word[2]!, word[3]!, word[0]!].map((byte) => SBOX[byte]!);
      word[0]! ^= rcon;
      rcon = times(rcon, 2);
    }
    words.push(word.map((byte, j) => byte ^ words[i - 4]![j]!));
  }
  return Array.from({ length: 11 }, (_, round) => words.slice(4 * round, 4 * round + 4).flat());
}

const add = (state: State, key: number[]): State => state.map((byte, i) => byte ^ key[i]!);

/** Row r of column c is byte 4c + r; ShiftRows moves row r by r columns (`by` 1), its inverse back (3). */
const shift = (state: State, by: number): State =>
  state.map((_, i) => state[(i + 4 * by * (i % 4)) % 16]!);

const mix = (state: State, row: number[]): State =>
  state.map((_, i) => {
    const column = i - (i % 4);
    return [0, 1, 2, 3].reduce(
      (sum, j) => sum ^ times(state[column + j]!, row[(j - i + 16) % 4]!),
      0,
    );
  });

/** 5.1. */
export function encrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  const keys = expand(key);
  let state = add([...block], keys[0]!);
  for (let round = 1; round <= 10; round++) {
    state = shift(
      state.map((byte) => SBOX[byte]!),
      1,
    );
    if (round < 10) state = mix(state, [2, 3, 1, 1]);
    state = add(state, keys[round]!);
  }
  return Uint8Array.from(state);
}

/** 5.3. */
export function decrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  const keys = expand(key);
  let state = add([...block], keys[10]!);
  for (let round = 9; round >= 0; round--) {
    state = add(
      shift(state, 3).map((byte) => INVERSE[byte]!),
      keys[round]!,
    );
    if (round > 0) state = mix(state, [14, 11, 13, 9]);
  }
  return Uint8Array.from(state);
}
