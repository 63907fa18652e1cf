// IDE's cipher: AES-256-GCM over many short units under keys that stay, counters of several units encrypted at a time. PCIe 6.33.5;
// NIST SP 800-38D.
import * as Gcm from "../ts/abi/gcm";
import * as Memory from "../ts/abi/memory";
import * as Unit from "../ts/abi/ide-unit";
import { cipherLines } from "./aes/lines";
import { loadKey } from "./slots";

const COUNTERS: usize = Memory.GCM + Gcm.COUNTERS;
const LAST: usize = Memory.GCM + Gcm.LAST_BLOCK;
const BLOCK: usize = 16;
// x^128 = x^7 + x^2 + x + 1, bits reflected. SP 800-38D, 6.3.
const POLYNOMIAL: u64 = 0xe100000000000000;
/** Counters that are encrypted at once: a page of them. */
const MOST_BLOCKS: u32 = 256;
const KEY_BYTES: u32 = 32;

function keyAt(index: u32): usize {
  return Memory.IDE_KEYS + usize(index) * Unit.KEY_SIZE;
}

function unitAt(index: u32): usize {
  return Memory.WINDOW + usize(index) * Unit.SIZE;
}

/** Takes the 32 bytes of a key at a linear address into one of the places for keys. */
export function ideKey(index: u32, key: usize): void {
  const at = keyAt(index);
  loadKey(at, key, key, KEY_BYTES);
  memory.fill(COUNTERS, 0, 64);
  cipherLines(at, 1, 0, 0, Memory.NOTHING, COUNTERS, COUNTERS, true);
  fillNibbles(
    at + Unit.KEY_NIBBLES,
    bswap<u64>(load<u64>(COUNTERS)),
    bswap<u64>(load<u64>(COUNTERS, 8)),
  );
}

/** For each nibble of a block, what each of its values comes to times H, as bytes lie in memory: no shift is left to do. The most
 *  significant bit of the first byte is x^0. SP 800-38D, 6.3. */
function fillNibbles(at: usize, high: u64, low: u64): void {
  for (let nibble: usize = 0; nibble < 32; nibble++) {
    const row = at + (nibble << 8);
    memory.fill(row, 0, 256);
    for (let bit: usize = 8; bit; bit >>= 1) {
      for (let value: usize = 0; value < 16; value++) {
        if (!(value & bit)) continue;
        const entry = row + (value << 4);
        store<u64>(entry, load<u64>(entry) ^ bswap<u64>(high));
        store<u64>(entry, load<u64>(entry, 8) ^ bswap<u64>(low), 8);
      }
      const out = low & 1;
      low = (low >> 1) | (high << 63);
      high = (high >> 1) ^ (out ? POLYNOMIAL : 0);
    }
  }
}

// GHASH's running block, as its bytes lie in memory.
let first64: u64 = 0;
let second64: u64 = 0;

function hashBlock(tables: usize, one: u64, two: u64): void {
  let x = first64 ^ one;
  let y = second64 ^ two;
  let p: u64 = 0;
  let q: u64 = 0;
  for (let i = 0; i < 8; i++) {
    const a = usize(x & 0xff);
    const b = usize(y & 0xff);
    const aHigh = tables + (a & 0xf0);
    const aLow = tables + 256 + ((a & 15) << 4);
    const bHigh = tables + 4096 + (b & 0xf0);
    const bLow = tables + 4352 + ((b & 15) << 4);
    p ^= load<u64>(aHigh) ^ load<u64>(aLow) ^ load<u64>(bHigh) ^ load<u64>(bLow);
    q ^= load<u64>(aHigh, 8) ^ load<u64>(aLow, 8) ^ load<u64>(bHigh, 8) ^ load<u64>(bLow, 8);
    x >>= 8;
    y >>= 8;
    tables += 512;
  }
  first64 = p;
  second64 = q;
}

/** Hashes bytes, the last block padded with zeros. */
function hashBytes(tables: usize, from: usize, bytes: usize): void {
  const end = from + bytes;
  for (; from + BLOCK <= end; from += BLOCK) hashBlock(tables, load<u64>(from), load<u64>(from, 8));
  if (from == end) return;
  memory.fill(LAST, 0, BLOCK);
  memory.copy(LAST, from, end - from);
  hashBlock(tables, load<u64>(LAST), load<u64>(LAST, 8));
}

/** Encrypts units in place, and gives each its tag. */
export function ideSeal(index: u32, count: u32): void {
  for (let first: u32 = 0; first < count; ) {
    const end = encryptCounters(index, first, count);
    let counters = COUNTERS;
    for (; first < end; first++) {
      const unit = unitAt(first);
      const bytes = load<u32>(unit, Unit.TEXT_BYTES);
      xor(unit + Unit.TEXT, counters + BLOCK, bytes);
      signUnit(index, unit, counters, unit + Unit.TAG);
      counters += usize(blocksOf(unit)) << 4;
    }
  }
}

/** Decrypts units in place whose tag begins with the MAC they came with. Answers how many, up to the first that is not right. */
export function ideOpen(index: u32, count: u32): u32 {
  for (let first: u32 = 0; first < count; ) {
    const end = encryptCounters(index, first, count);
    let counters = COUNTERS;
    for (; first < end; first++) {
      const unit = unitAt(first);
      const tag = Memory.GCM + Gcm.TAG;
      signUnit(index, unit, counters, tag);
      const differs =
        (load<u64>(tag) ^ load<u64>(unit, Unit.TAG)) |
        u64(load<u32>(tag, 8) ^ load<u32>(unit, Unit.TAG + 8));
      if (differs) return first;
      xor(unit + Unit.TEXT, counters + BLOCK, load<u32>(unit, Unit.TEXT_BYTES));
      counters += usize(blocksOf(unit)) << 4;
    }
  }
  return count;
}

/** Counter blocks of a unit: one for the tag, the others for its text. */
function blocksOf(unit: usize): u32 {
  return 1 + ((load<u32>(unit, Unit.TEXT_BYTES) + 15) >> 4);
}

/** Encrypts the counters of as many units from `first` on as there is room for. Answers where it stopped. */
function encryptCounters(index: u32, first: u32, count: u32): u32 {
  let at = COUNTERS;
  let end = first;
  for (let total: u32 = 0; end < count; end++) {
    const unit = unitAt(end);
    const blocks = blocksOf(unit);
    total += blocks;
    if (total > MOST_BLOCKS) break;
    const start = load<u64>(unit, Unit.IV);
    const rest = load<u32>(unit, Unit.IV + 8);
    for (let counter: u32 = 1; counter <= blocks; counter++) {
      store<u64>(at, start);
      store<u32>(at, rest, 8);
      store<u32>(at, bswap<u32>(counter), 12);
      at += BLOCK;
    }
  }
  const lines = u64.MAX_VALUE >> (64 - u64((at - COUNTERS + 63) >> 6));
  cipherLines(keyAt(index), lines, 0, 0, Memory.NOTHING, COUNTERS, COUNTERS, true);
  return end;
}

/** The tag over a unit's additional data and ciphertext: GHASH, and the encrypted first counter over it. 7.1, steps 5 and 6. */
function signUnit(index: u32, unit: usize, counter: usize, to: usize): void {
  const aadBytes = load<u32>(unit, Unit.AAD_BYTES);
  const bytes = load<u32>(unit, Unit.TEXT_BYTES);
  const tables = keyAt(index) + Unit.KEY_NIBBLES;
  first64 = 0;
  second64 = 0;
  hashBytes(tables, unit + Unit.AAD, aadBytes);
  hashBytes(tables, unit + Unit.TEXT, bytes);
  hashBlock(tables, bswap<u64>(u64(aadBytes) << 3), bswap<u64>(u64(bytes) << 3));
  store<u64>(to, load<u64>(counter) ^ first64);
  store<u64>(to, load<u64>(counter, 8) ^ second64, 8);
}

function xor(text: usize, stream: usize, bytes: u32): void {
  let at: usize = 0;
  for (; at + 8 <= usize(bytes); at += 8)
    store<u64>(text + at, load<u64>(text + at) ^ load<u64>(stream + at));
  for (; at < usize(bytes); at++) store<u8>(text + at, load<u8>(text + at) ^ load<u8>(stream + at));
}
