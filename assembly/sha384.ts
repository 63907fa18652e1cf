// SHA-384 over bytes of linear memory: launch digests are made of it. FIPS 180-4.
import * as Hash from "../ts/abi/hash";
import * as Memory from "../ts/abi/memory";

const BLOCK: usize = 128;
/** Bytes of a digest. */
const DIGEST: usize = 48;

const STATE: usize = Memory.HASH + Hash.STATE;
const BUFFER: usize = Memory.HASH + Hash.BLOCK;
const SEEN: usize = Memory.HASH + Hash.SEEN;
const SCHEDULE: usize = Memory.HASH + Hash.SCHEDULE;

// Fractional parts of the cube roots of the first 80 primes (4.2.3), and of the square roots of the ninth to sixteenth (5.3.4).
const K: usize = memory.data<u64>(
  [
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
  ],
  16,
);
const INITIAL: usize = memory.data<u64>(
  [
    0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
    0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
  ],
  16,
);

/** Begins a digest. */
export function sha384Start(): void {
  memory.copy(STATE, INITIAL, 64);
  store<u64>(SEEN, 0);
}

/** Adds `bytes` at a linear address. */
export function sha384Update(from: usize, bytes: usize): void {
  const seen = load<u64>(SEEN);
  store<u64>(SEEN, seen + bytes);
  const held = usize(seen) & (BLOCK - 1);
  const end = from + bytes;
  if (held) {
    const taken = min(BLOCK - held, bytes);
    memory.copy(BUFFER + held, from, taken);
    if (held + taken < BLOCK) return;
    compress(BUFFER);
    from += taken;
  }
  for (; from + BLOCK <= end; from += BLOCK) compress(from);
  memory.copy(BUFFER, from, end - from);
}

/** Ends the digest: 48 bytes to a linear address. Messages are shorter than 2^61 bytes. */
export function sha384Finish(to: usize): void {
  const seen = load<u64>(SEEN);
  let held = usize(seen) & (BLOCK - 1);
  store<u8>(BUFFER + held++, 0x80);
  memory.fill(BUFFER + held, 0, BLOCK - held);
  if (held > BLOCK - 16) {
    compress(BUFFER);
    memory.fill(BUFFER, 0, BLOCK);
  }
  store<u64>(BUFFER, bswap<u64>(seen << 3), BLOCK - 8);
  compress(BUFFER);
  for (let at: usize = 0; at < DIGEST; at += 8)
    store<u64>(to + at, bswap<u64>(load<u64>(STATE + at)));
}

function schedule(t: usize): u64 {
  return load<u64>(SCHEDULE + ((t & 15) << 3));
}

/** One block. 6.4.2. */
function compress(block: usize): void {
  let a = load<u64>(STATE);
  let b = load<u64>(STATE, 8);
  let c = load<u64>(STATE, 16);
  let d = load<u64>(STATE, 24);
  let e = load<u64>(STATE, 32);
  let f = load<u64>(STATE, 40);
  let g = load<u64>(STATE, 48);
  let h = load<u64>(STATE, 56);
  for (let t: usize = 0; t < 80; t++) {
    let w: u64;
    if (t < 16) {
      w = bswap<u64>(load<u64>(block + (t << 3)));
    } else {
      const x = schedule(t + 1);
      const y = schedule(t + 14);
      w = schedule(t) + schedule(t + 9);
      w += rotr<u64>(x, 1) ^ rotr<u64>(x, 8) ^ (x >> 7);
      w += rotr<u64>(y, 19) ^ rotr<u64>(y, 61) ^ (y >> 6);
    }
    store<u64>(SCHEDULE + ((t & 15) << 3), w);
    const sum1 = rotr<u64>(e, 14) ^ rotr<u64>(e, 18) ^ rotr<u64>(e, 41);
    const t1 = h + sum1 + (g ^ (e & (f ^ g))) + load<u64>(K + (t << 3)) + w;
    const sum0 = rotr<u64>(a, 28) ^ rotr<u64>(a, 34) ^ rotr<u64>(a, 39);
    const t2 = sum0 + ((a & b) | (c & (a | b)));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u64>(STATE, load<u64>(STATE) + a);
  store<u64>(STATE, load<u64>(STATE, 8) + b, 8);
  store<u64>(STATE, load<u64>(STATE, 16) + c, 16);
  store<u64>(STATE, load<u64>(STATE, 24) + d, 24);
  store<u64>(STATE, load<u64>(STATE, 32) + e, 32);
  store<u64>(STATE, load<u64>(STATE, 40) + f, 40);
  store<u64>(STATE, load<u64>(STATE, 48) + g, 48);
  store<u64>(STATE, load<u64>(STATE, 56) + h, 56);
}
