// One AES block with a tweak added before and after (XEX): C = E(P ^ T) ^ T. FIPS 197, 5.1 and 5.3.
import { DECRYPT, ENCRYPT, INVERSE_SBOX, SBOX } from "./tables";

// The table of row r stands 1 KiB after that of row r - 1.
function mix(tables: usize, a: u32, b: u32, c: u32, d: u32): u32 {
  return (
    load<u32>(tables + ((a & 0xff) << 2)) ^
    load<u32>(tables + (((b >> 8) & 0xff) << 2), 0x400) ^
    load<u32>(tables + (((c >> 16) & 0xff) << 2), 0x800) ^
    load<u32>(tables + ((d >> 24) << 2), 0xc00)
  );
}

function substitute(box: usize, a: u32, b: u32, c: u32, d: u32): u32 {
  return (
    u32(load<u8>(box + (a & 0xff))) |
    (u32(load<u8>(box + ((b >> 8) & 0xff))) << 8) |
    (u32(load<u8>(box + ((c >> 16) & 0xff))) << 16) |
    (u32(load<u8>(box + (d >> 24))) << 24)
  );
}

/** Encrypts 16 bytes at `from` to `to` under an encryption schedule. */
export function encryptBlock(
  schedule: usize,
  rounds: usize,
  low: u64,
  high: u64,
  from: usize,
  to: usize,
): void {
  const p = load<u64>(from) ^ low ^ load<u64>(schedule);
  const q = load<u64>(from, 8) ^ high ^ load<u64>(schedule, 8);
  let a = u32(p);
  let b = u32(p >> 32);
  let c = u32(q);
  let d = u32(q >> 32);
  const last = schedule + (rounds << 4);
  for (let keys = schedule + 16; keys < last; keys += 16) {
    const w = mix(ENCRYPT, a, b, c, d) ^ load<u32>(keys);
    const x = mix(ENCRYPT, b, c, d, a) ^ load<u32>(keys, 4);
    const y = mix(ENCRYPT, c, d, a, b) ^ load<u32>(keys, 8);
    d = mix(ENCRYPT, d, a, b, c) ^ load<u32>(keys, 12);
    a = w;
    b = x;
    c = y;
  }
  const e = u64(substitute(SBOX, a, b, c, d)) | (u64(substitute(SBOX, b, c, d, a)) << 32);
  const f = u64(substitute(SBOX, c, d, a, b)) | (u64(substitute(SBOX, d, a, b, c)) << 32);
  store<u64>(to, e ^ load<u64>(last) ^ low);
  store<u64>(to, f ^ load<u64>(last, 8) ^ high, 8);
}

/** Decrypts 16 bytes at `from` to `to` under an inverse schedule. */
export function decryptBlock(
  schedule: usize,
  rounds: usize,
  low: u64,
  high: u64,
  from: usize,
  to: usize,
): void {
  const p = load<u64>(from) ^ low ^ load<u64>(schedule);
  const q = load<u64>(from, 8) ^ high ^ load<u64>(schedule, 8);
  let a = u32(p);
  let b = u32(p >> 32);
  let c = u32(q);
  let d = u32(q >> 32);
  const last = schedule + (rounds << 4);
  for (let keys = schedule + 16; keys < last; keys += 16) {
    const w = mix(DECRYPT, a, d, c, b) ^ load<u32>(keys);
    const x = mix(DECRYPT, b, a, d, c) ^ load<u32>(keys, 4);
    const y = mix(DECRYPT, c, b, a, d) ^ load<u32>(keys, 8);
    d = mix(DECRYPT, d, c, b, a) ^ load<u32>(keys, 12);
    a = w;
    b = x;
    c = y;
  }
  const box = INVERSE_SBOX;
  const e = u64(substitute(box, a, d, c, b)) | (u64(substitute(box, b, a, d, c)) << 32);
  const f = u64(substitute(box, c, b, a, d)) | (u64(substitute(box, d, c, b, a)) << 32);
  store<u64>(to, e ^ load<u64>(last) ^ low);
  store<u64>(to, f ^ load<u64>(last, 8) ^ high, 8);
}
