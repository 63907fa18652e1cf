// AES-GCM with 96-bit IVs and whole tags: pages that leave the machine, guest messages, IDE links. NIST SP 800-38D.
import * as Gcm from "../ts/abi/gcm";
import * as Memory from "../ts/abi/memory";
import * as Slot from "../ts/abi/slot";
import { cipherLines } from "./aes/lines";
import { roundsOf } from "./aes/schedule";
import { loadKey } from "./slots";

const KEY: usize = Memory.GCM + Gcm.KEY;
const MULTIPLES: usize = Memory.GCM + Gcm.MULTIPLES;
const REDUCED: usize = Memory.GCM + Gcm.REDUCED;
const COUNTERS: usize = Memory.GCM + Gcm.COUNTERS;
const TAG: usize = Memory.GCM + Gcm.TAG;
const LAST: usize = Memory.GCM + Gcm.LAST_BLOCK;
const BLOCK: usize = 16;
const COUNTERS_BYTES: usize = 4096;
// x^128 = x^7 + x^2 + x + 1, bits reflected. 6.3.
const POLYNOMIAL: u64 = 0xe100000000000000;

/** Takes a key of 16 or 32 bytes for the calls that follow. The one of the last call costs nothing. */
export function gcmKey(key: usize, keyBytes: u32): void {
  const same = load<u32>(KEY, Slot.ROUNDS) == roundsOf(keyBytes);
  if (same && memory.compare(KEY + Slot.ENCRYPT, key, keyBytes) == 0) return;
  loadKey(KEY, key, key, keyBytes);
  memory.fill(COUNTERS, 0, 64);
  encryptCounters(64);
  fillMultiples(bswap<u64>(load<u64>(COUNTERS)), bswap<u64>(load<u64>(COUNTERS, 8)));
}

/** Multiples of H by each byte, whose most significant bit is x^0. Shoup's tables; MULTIPLES[80] is H itself. */
function fillMultiples(high: u64, low: u64): void {
  memory.fill(MULTIPLES, 0, 16);
  for (let bit: usize = 0x80; bit; bit >>= 1) {
    for (let rest: usize = 0; rest < 256; rest += bit << 1) {
      const from = MULTIPLES + (rest << 4);
      const to = from + (bit << 4);
      store<u64>(to, load<u64>(from) ^ high);
      store<u64>(to, load<u64>(from, 8) ^ low, 8);
    }
    const out = low & 1;
    low = (low >> 1) | (high << 63);
    high = (high >> 1) ^ (out ? POLYNOMIAL : 0);
  }
  for (let byte: usize = 0; byte < 256; byte++) {
    let h: u64 = 0;
    let l: u64 = byte;
    for (let step = 0; step < 8; step++) {
      const out = l & 1;
      l = (l >> 1) | (h << 63);
      h = (h >> 1) ^ (out ? POLYNOMIAL : 0);
    }
    store<u64>(REDUCED + (byte << 3), h);
  }
}

// GHASH's running block. 6.4.
let hashHigh: u64 = 0;
let hashLow: u64 = 0;

function hashBlock(first: u64, second: u64): void {
  const x = hashHigh ^ bswap<u64>(first);
  const y = hashLow ^ bswap<u64>(second);
  let high: u64 = 0;
  let low: u64 = 0;
  for (let i: u64 = 0; i < 128; i += 8) {
    const byte = usize((i < 64 ? y >> i : x >> (i - 64)) & 0xff);
    const out = usize(low & 0xff);
    low = (low >> 8) | (high << 56);
    high = (high >> 8) ^ load<u64>(REDUCED + (out << 3));
    high ^= load<u64>(MULTIPLES + (byte << 4));
    low ^= load<u64>(MULTIPLES + (byte << 4), 8);
  }
  hashHigh = high;
  hashLow = low;
}

/** Hashes bytes, the last block padded with zeros. */
function hashBytes(from: usize, bytes: usize): void {
  const end = from + bytes;
  for (; from + BLOCK <= end; from += BLOCK) hashBlock(load<u64>(from), load<u64>(from, 8));
  if (from == end) return;
  memory.fill(LAST, 0, BLOCK);
  memory.copy(LAST, from, end - from);
  hashBlock(load<u64>(LAST), load<u64>(LAST, 8));
}

/** The tag over additional data and ciphertext, to a linear address. 7.1, steps 4 to 6. */
function tagOf(iv: usize, aad: usize, aadBytes: u32, cipher: usize, bytes: u32, to: usize): void {
  hashHigh = 0;
  hashLow = 0;
  hashBytes(aad, aadBytes);
  hashBytes(cipher, bytes);
  hashBlock(bswap<u64>(u64(aadBytes) << 3), bswap<u64>(u64(bytes) << 3));
  writeCounters(iv, 1, BLOCK);
  encryptCounters(64);
  store<u64>(to, load<u64>(COUNTERS) ^ bswap<u64>(hashHigh));
  store<u64>(to, load<u64>(COUNTERS, 8) ^ bswap<u64>(hashLow), 8);
}

/** Counter blocks from a number on, for so many bytes. */
function writeCounters(iv: usize, from: u32, bytes: usize): void {
  const start = load<u64>(iv);
  const rest = load<u32>(iv, 8);
  for (let at: usize = 0; at < bytes; at += BLOCK) {
    store<u64>(COUNTERS + at, start);
    store<u32>(COUNTERS + at, rest, 8);
    store<u32>(COUNTERS + at, bswap<u32>(from++), 12);
  }
}

/** Encrypts the counters of so many bytes, whole lines, in place. */
function encryptCounters(bytes: usize): void {
  const lines = u64.MAX_VALUE >> (64 - u64((bytes + 63) >> 6));
  cipherLines(KEY, lines, 0, 0, Memory.NOTHING, COUNTERS, COUNTERS, true);
}

/** GCTR from the second counter on. 6.5. */
function crypt(iv: usize, from: usize, to: usize, bytes: usize): void {
  let counter: u32 = 2;
  for (let done: usize = 0; done < bytes; done += COUNTERS_BYTES) {
    const piece = min(COUNTERS_BYTES, bytes - done);
    writeCounters(iv, counter, piece);
    encryptCounters(piece);
    counter += u32(COUNTERS_BYTES / BLOCK);
    let at: usize = 0;
    for (; at + 8 <= piece; at += 8)
      store<u64>(to + done + at, load<u64>(from + done + at) ^ load<u64>(COUNTERS + at));
    for (; at < piece; at++)
      store<u8>(to + done + at, load<u8>(from + done + at) ^ load<u8>(COUNTERS + at));
  }
}

/** Encrypts `bytes` from one linear address to another (or in place) and writes the 16 bytes of the tag. */
export function gcmSeal(
  iv: usize,
  aad: usize,
  aadBytes: u32,
  from: usize,
  to: usize,
  bytes: u32,
  tag: usize,
): void {
  crypt(iv, from, to, bytes);
  tagOf(iv, aad, aadBytes, to, bytes, tag);
}

/** Decrypts what gcmSeal made. False, and nothing written, where the tag is another. */
export function gcmOpen(
  iv: usize,
  aad: usize,
  aadBytes: u32,
  from: usize,
  to: usize,
  bytes: u32,
  tag: usize,
): bool {
  tagOf(iv, aad, aadBytes, from, bytes, TAG);
  const differs = (load<u64>(TAG) ^ load<u64>(tag)) | (load<u64>(TAG, 8) ^ load<u64>(tag, 8));
  if (differs) return false;
  crypt(iv, from, to, bytes);
  return true;
}
