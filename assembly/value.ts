// What a replayed program's memory holds. A trace has addresses and no values, so every value is a function of where, when
// and the seed; and the digest folds every value that a load returned, in order. DESIGN.md 9.
import * as Memory from "../ts/abi/memory";
import * as State from "../ts/abi/state";

// Odd 64-bit constants with well-mixed bits: the golden ratio and the finalizer of SplitMix64 (Steele et al., 2014).
const STEP: u64 = 0x9e3779b97f4a7c15;
const MIX_1: u64 = 0xbf58476d1ce4e5b9;
const MIX_2: u64 = 0x94d049bb133111eb;

/** Where a record's ordinal stands in what it stores. */
export const ORDINAL_LSB = 24;

function mixed(x: u64): u64 {
  x = (x ^ (x >> 30)) * MIX_1;
  x = (x ^ (x >> 27)) * MIX_2;
  return x ^ (x >> 31);
}

function seed(): u64 {
  return load<u64>(Memory.STATE, State.SEED);
}

/** The word at a gva (8-byte aligned) when its page is first touched. */
export function imageWord(gva: u64): u64 {
  return mixed((gva + seed()) * STEP);
}

/** What record number `ordinal` stores at a gva. */
export function storedWord(ordinal: u64, gva: u64): u64 {
  return storedAt(ordinal << ORDINAL_LSB, gva, seed());
}

/** The same where the seed is at hand and the ordinal in its place. One multiplication: this is on the hot path. */
export function storedAt(moment: u64, gva: u64, seed: u64): u64 {
  const x = (moment ^ gva ^ seed) * STEP;
  return x ^ (x >> 32);
}

/** What a device gives at an offset of the transfer that is record number `ordinal`. */
export function deviceWord(ordinal: u64, offset: u64): u64 {
  return mixed(~(ordinal * STEP + offset + seed()));
}

/** The digest after one more value. */
export function folded(digest: u64, value: u64): u64 {
  return rotl<u64>((digest ^ value) * STEP, 23);
}

/** The digest after `bytes` at a linear address, as words, the last one padded with zeros. */
export function foldedBytes(digest: u64, from: usize, bytes: u32): u64 {
  let at: u32 = 0;
  for (; at + 8 <= bytes; at += 8) digest = folded(digest, load<u64>(from + at));
  if (at == bytes) return digest;
  return folded(digest, lowest(load<u64>(from + at), bytes - at));
}

// The mask of the lowest 0 to 8 bytes.
const LOWEST: usize = memory.data<u64>([
  0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
  0xffffffffffffffff,
]);

/** The lowest 1 to 8 bytes of a word. */
export function lowest(word: u64, bytes: u64): u64 {
  return word & load<u64>(LOWEST + (usize(bytes) << 3));
}
