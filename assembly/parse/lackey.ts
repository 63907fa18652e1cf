// Lines of valgrind's lackey, a whole address at a time. What is not a well-formed access is left to ts/replay/reader/lackey.ts,
// which knows system calls and says what is wrong. docs/trace-format.md.
import * as Cltr from "../../ts/abi/cltr";
import * as Decode from "../../ts/abi/decode";
import * as Memory from "../../ts/abi/memory";
import * as Record from "../../ts/abi/record";
import { swizzle } from "../aes/swizzle";
import { operationOf, record } from "./record";

const NEWLINE: u32 = 0x0a;
const RETURN: u32 = 0x0d;
const ZERO: u32 = 0x30;
// The three characters before an address, as a little-endian word.
const FETCH: u32 = 0x202049;
const LOAD: u32 = 0x204c20;
const STORE: u32 = 0x205320;
const MODIFY: u32 = 0x204d20;

let kind: u32 = 0;

function isAccess(prefix: u32): bool {
  if (prefix == FETCH) kind = Cltr.KIND_FETCH;
  else if (prefix == LOAD) kind = Cltr.KIND_LOAD;
  else if (prefix == STORE) kind = Cltr.KIND_STORE;
  else if (prefix == MODIFY) kind = Cltr.KIND_MODIFY;
  else return false;
  return true;
}

// Vectors of the loop below, in memory: V8 builds a constant anew in every turn, and keeps what was loaded.
const VECTORS: usize = memory.data<u8>(
  [
    44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 48, 48, 48, 48, 48, 48, 48, 48,
    48, 48, 48, 48, 48, 48, 48, 48, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 97, 97, 97, 97, 97, 97, 97, 97,
    97, 97, 97, 97, 97, 97, 97, 97, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0,
    255, 0, 255, 0, 255, 0,
  ],
  16,
);

/** Decodes lines from `from` to `end` (behind a newline) into up to `records` records of Memory.BATCH, one a line, and stops before
 *  the first line that is anything but a well-formed access. Adds to the counts of kinds in scratch memory. Answers records made
 *  and bytes taken, packed by ts/abi/decode.ts. */
export function parseLackey(from: usize, end: usize, records: u32): u32 {
  return ASC_FEATURE_SIMD ? parseWide(from, end, records) : 0;
}

function parseWide(from: usize, end: usize, records: u32): u32 {
  const comma = v128.load(VECTORS);
  const zero = v128.load(VECTORS, 16);
  const ten = v128.load(VECTORS, 32);
  const lowerBit = v128.load(VECTORS, 48);
  const letterA = v128.load(VECTORS, 64);
  const six = v128.load(VECTORS, 80);
  const fifteen = v128.load(VECTORS, 96);
  const nine = v128.load(VECTORS, 112);
  const lanes = v128.load(VECTORS, 128);
  const lowBytes = v128.load(VECTORS, 144);
  let at = from;
  let made: u32 = 0;
  // Four counts of 16 bits, a kind each.
  let counts: u64 = 0;
  while (at < end && made < records) {
    if (!isAccess(load<u32>(at) & 0xffffff)) break;
    const text = v128.load(at, 3);
    const digits = u32(ctz(i8x16.bitmask(i8x16.eq(text, comma))));
    // Sixteen digits, or no comma near: 16 or 32 zeros.
    if (digits > 15 || digits == 0) break;
    const decimal = i8x16.lt_u(i8x16.sub(text, zero), ten);
    const letter = i8x16.lt_u(i8x16.sub(v128.or(text, lowerBit), letterA), six);
    const wanted = (u32(1) << digits) - 1;
    if (~u32(i8x16.bitmask(v128.or(decimal, letter))) & wanted) break;
    const values = i8x16.add(v128.and(text, fifteen), v128.and(letter, nine));
    // The last digit goes to lane 0; lanes beyond the first digit get an index below 0, which gives 0.
    const reversed = swizzle(values, i8x16.sub(i8x16.splat(u8(digits - 1)), lanes));
    const pairs = v128.and(v128.or(reversed, i16x8.shr_u(reversed, 4)), lowBytes);
    const gva = u64(i64x2.extract_lane(i8x16.narrow_i16x8_u(pairs, pairs), 0));
    let next = at + 4 + digits;
    let bytes = u32(load<u8>(next)) - ZERO;
    if (bytes > 9) break;
    let after = u32(load<u8>(++next));
    // Up to four digits.
    while (after - ZERO < 10 && bytes < 1000) {
      bytes = bytes * 10 + after - ZERO;
      after = u32(load<u8>(++next));
    }
    if (after == RETURN) after = u32(load<u8>(++next));
    if (after != NEWLINE || bytes - 1 >= u32(Record.ACCESS_LIMIT)) break;
    // The upper half, or across the end of the lower: not here.
    if (gva + bytes > u64(1) << 47) break;
    record(made++, gva, bytes, operationOf(kind, bytes));
    counts += u64(1) << (u64(kind) << 4);
    at = next + 1;
  }
  addCounts(counts);
  return (made << Decode.MADE_LSB) | u32(at - from);
}

function addCounts(counts: u64): void {
  const at: usize = Memory.SCRATCH + Decode.COUNTS;
  for (let kind: usize = 0; kind < 4; kind++, counts >>= 16)
    store<u32>(at + (kind << 2), load<u32>(at + (kind << 2)) + (u32(counts) & 0xffff));
}
