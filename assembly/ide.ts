// IDE's cipher: AES-256-GCM over many short units under keys that stay, counters of several units encrypted at a time. PCIe 6.33.5;
// NIST SP 800-38D.
import * as Gcm from "../ts/abi/gcm";
import * as Memory from "../ts/abi/memory";
import * as Unit from "../ts/abi/ide-unit";
import { cipherLines } from "./aes/lines";
import { fillMultiples, sign } from "./gcm";
import { loadKey } from "./slots";

const COUNTERS: usize = Memory.GCM + Gcm.COUNTERS;
const BLOCK: usize = 16;
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
  fillMultiples(
    at + Unit.KEY_MULTIPLES,
    bswap<u64>(load<u64>(COUNTERS)),
    bswap<u64>(load<u64>(COUNTERS, 8)),
  );
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

function signUnit(index: u32, unit: usize, counter: usize, to: usize): void {
  const aadBytes = load<u32>(unit, Unit.AAD_BYTES);
  const bytes = load<u32>(unit, Unit.TEXT_BYTES);
  const tables = keyAt(index) + Unit.KEY_MULTIPLES;
  sign(tables, counter, unit + Unit.AAD, aadBytes, unit + Unit.TEXT, bytes, to);
}

function xor(text: usize, stream: usize, bytes: u32): void {
  let at: usize = 0;
  for (; at + 8 <= usize(bytes); at += 8)
    store<u64>(text + at, load<u64>(text + at) ^ load<u64>(stream + at));
  for (; at < usize(bytes); at++)
    store<u8>(text + at, load<u8>(text + at) ^ load<u8>(stream + at));
}
