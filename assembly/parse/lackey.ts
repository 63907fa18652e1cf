// Lines of valgrind's lackey. What is not a well-formed access is left to ts/replay/reader/lackey.ts, which knows system calls and
// says what is wrong. docs/trace-format.md.
//
// A block's newlines first, then its lines: where one begins then hangs on no other, so that the processor is at several at once
// (simdjson's way: arXiv 1902.08318). What each part brings: docs/performance.md.
import * as Decode from "../../ts/abi/decode";
import * as Line from "../../ts/abi/lackey-line";
import * as Memory from "../../ts/abi/memory";
import * as Record from "../../ts/abi/record";
import { swizzle } from "../aes/swizzle";

const RETURN: u32 = 0x0d;
const NEWLINE: u32 = 0x0a;
const COMMA: u32 = 0x2c;
const ZERO: u32 = 0x30;
const HALF_LSB: u64 = 47;

// Of a line's first four bytes, those before the address.
const PREFIX: u32 = 0xffffff;
const LINES: usize = Memory.SCRATCH + Decode.LINES;
const COUNTS: usize = Memory.SCRATCH + Decode.COUNTS;

// How much text is looked through for newlines at once, in bytes: a multiple of 64, and no more than 255 accesses of seven
// characters. After a line that the reader takes it is looked through again from there.
const BLOCK: usize = 1024;

// A newline is known by the place 18 bytes before it: there begin the 16 characters before the comma, where the size is one digit.
const PLACES: usize = Memory.EXPECTED;
const BACK: usize = 18;
const SIZED: usize = 16;
const NEXT: usize = 19;
// How far apart two such places are beside the digits of the address between them, and the most digits.
const BESIDE: usize = 6;
const DIGITS: usize = 15;

// Vectors in memory: V8 builds a constant anew in every turn of a loop, and keeps what was loaded.
const VECTORS: usize = memory.data<u8>(
  [
    198, 198, 198, 198, 198, 198, 198, 198, 198, 198, 198, 198, 198, 198, 198, 198, 6, 6, 6, 6, 6,
    6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 240, 240, 240, 240, 240, 240, 240, 240, 240, 240, 240, 240,
    240, 240, 240, 240, 223, 223, 223, 223, 223, 223, 223, 223, 223, 223, 223, 223, 223, 223, 223,
    223, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 10, 10, 10, 10, 10, 10, 10,
    10, 10, 10, 10, 10, 10, 10, 10, 10, 1, 16, 1, 16, 1, 16, 1, 16, 1, 16, 1, 16, 1, 16, 1, 16, 15,
    13, 11, 9, 7, 5, 3, 1, 128, 128, 128, 128, 128, 128, 128, 128, 10, 10, 10, 10, 10, 10, 10, 10,
    10, 10, 10, 10, 10, 10, 10, 10, 8, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0,
  ],
  16,
);
// From byte n on: n lanes of ones, the last.
const LAST: usize = memory.data<u8>(
  [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255,
  ],
  16,
);

// Where the next record goes, and the place of the newline before the next line.
let out: usize = 0;
let before: usize = 0;

/** Decodes lines from `from` to `end` (behind a newline) into up to `records` records at `to`, one a line, and stops before the
 *  first line that is anything but a well-formed access. Answers records made; the bytes taken and the counts of kinds are in
 *  scratch memory then. */
export function parseLackey(from: usize, end: usize, to: usize, records: u32): u32 {
  if (!ASC_FEATURE_SIMD) return 0;
  out = to;
  before = from - NEXT;
  memory.fill(COUNTS, 0, 16);
  parseBlocks(from, end, to + usize(records) * Record.SIZE);
  store<u32>(Memory.SCRATCH + Decode.TAKEN, u32(before + NEXT - from));
  return u32(out - to) / Record.SIZE;
}

function parseBlocks(from: usize, end: usize, full: usize): void {
  for (let block = from; block < end && out < full; block += BLOCK) {
    const found = newlines(block, min(block + BLOCK, end));
    const stop = min(found, PLACES + ((full - out) / Record.SIZE) * sizeof<u32>());
    let at = PLACES;
    while (at < stop) {
      at = plainLines(at, stop);
      if (at == stop) break;
      if (!anyLine()) return;
      at += sizeof<u32>();
    }
  }
}

/** Lists the newlines between `from` and `end`, and answers where the list ends. */
function newlines(from: usize, end: usize): usize {
  const newline = v128.load(VECTORS, 128);
  let list = PLACES;
  for (let at = from; at < end; at += 64) {
    const low = newlinesOf(v128.load(at), v128.load(at, 16), newline);
    const high = newlinesOf(v128.load(at, 32), v128.load(at, 48), newline);
    let mask = u64(low) | (u64(high) << 32);
    const next = list + (usize(popcnt(mask)) << 2);
    const back = at - BACK;
    // Five without a branch: lackey's addresses have eight digits or more, so 64 bytes have no more lines.
    store<u32>(list, back + usize(ctz(mask)));
    mask &= mask - 1;
    store<u32>(list, back + usize(ctz(mask)), 4);
    mask &= mask - 1;
    store<u32>(list, back + usize(ctz(mask)), 8);
    mask &= mask - 1;
    store<u32>(list, back + usize(ctz(mask)), 12);
    mask &= mask - 1;
    store<u32>(list, back + usize(ctz(mask)), 16);
    mask &= mask - 1;
    for (list += 20; mask; list += 4, mask &= mask - 1) store<u32>(list, back + usize(ctz(mask)));
    list = next;
  }
  // The last 64 bytes may reach beyond the end.
  while (list > PLACES && load<u32>(list - 4) + BACK >= end) list -= 4;
  return list;
}

/** Which of 32 bytes are newlines. */
function newlinesOf(first: v128, second: v128, newline: v128): u32 {
  const low = u32(i8x16.bitmask(i8x16.eq(first, newline)));
  return low | (u32(i8x16.bitmask(i8x16.eq(second, newline))) << 16);
}

/** Takes lines whose size has one digit, and answers where in the list it stopped. What is almost never wrong with such a line (no
 *  digit where one should be, the upper half) is looked for in all of them together, and then none of them is taken. */
function plainLines(first: usize, stop: usize): usize {
  const toTop = v128.load(VECTORS);
  const six = v128.load(VECTORS, 16);
  const top = v128.load(VECTORS, 32);
  const capital = v128.load(VECTORS, 48);
  const letterA = v128.load(VECTORS, 64);
  const ten = v128.load(VECTORS, 80);
  const pairs = v128.load(VECTORS, 96);
  const upwards = v128.load(VECTORS, 112);
  const eight = v128.load(VECTORS, 144);
  let at = first;
  let to = out;
  let last = before;
  let counts: u64 = 0;
  let values = i8x16.splat(0);
  let ends = values;
  while (at < stop) {
    const place = load<u32>(at);
    // A comma, and a digit from 1 to 9.
    const size = rotr<u32>(u32(load<u16>(place, SIZED)) - (((ZERO + 1) << 8) | COMMA), 8);
    if (size >= u32(Line.NARROW)) break;
    const between = place - last;
    if (between - (BESIDE + 1) >= DIGITS) break;
    const begin = load<u32>(last, NEXT);
    const row = begin & Line.ROW_MASK;
    const known = load<u64>(row, LINES + Line.PREFIX);
    if ((begin ^ u32(known)) & PREFIX) break;
    const nibbles = nibblesOf(v128.load(place), toTop, six, top, capital, letterA, ten);
    const value = v128.and(nibbles, v128.load(between, LAST - BESIDE));
    const gva = swizzle(i16x8.mul(value, pairs), upwards);
    values = v128.or(values, value);
    ends = v128.or(ends, i64x2.add(gva, eight));
    v128.store64_lane(to, gva, 0, Record.GVA);
    store<u64>(to, load<u64>(row + (size << 3), LINES + Line.HALVES), Record.BYTES);
    counts += known;
    to += Record.SIZE;
    last = place;
    at += 4;
  }
  if (at == first) return at;
  if (isAbove15(values) || u64(i64x2.extract_lane(ends, 0)) >> HALF_LSB) return first;
  out = to;
  before = last;
  count(u32(counts >> 32));
  return at;
}

/** Takes a line of any size, and with the end CR LF; answers whether it is a well-formed access. */
function anyLine(): bool {
  const at = before + NEXT;
  const row = load<u32>(at) & Line.ROW_MASK;
  if ((load<u32>(at) & PREFIX) != load<u32>(row, LINES + Line.PREFIX)) return false;
  const ahead = i8x16.bitmask(i8x16.eq(v128.load(at, 3), i8x16.splat(u8(COMMA))));
  // Sixteen digits, or no comma near: none set, which counts as 32.
  const digits = usize(ctz(ahead));
  if (digits - 1 >= DIGITS) return false;
  const comma = at + 3 + digits;
  let end = comma + 1;
  let bytes: u32 = 0;
  let digit = u32(load<u8>(end)) - ZERO;
  // Up to four digits behind zeros.
  for (; digit < 10 && bytes < 1000; digit = u32(load<u8>(++end)) - ZERO)
    bytes = bytes * 10 + digit;
  if (end == comma + 1 || bytes - 1 >= u32(Record.ACCESS_LIMIT)) return false;
  if (load<u8>(end) == RETURN) end++;
  if (load<u8>(end) != NEWLINE) return false;
  const digit16 = nibblesOf(
    v128.load(comma - 16),
    v128.load(VECTORS),
    v128.load(VECTORS, 16),
    v128.load(VECTORS, 32),
    v128.load(VECTORS, 48),
    v128.load(VECTORS, 64),
    v128.load(VECTORS, 80),
  );
  const value = v128.and(digit16, v128.load(digits, LAST));
  if (isAbove15(value)) return false;
  const gva = u64(
    i64x2.extract_lane(
      swizzle(i16x8.mul(value, v128.load(VECTORS, 96)), v128.load(VECTORS, 112)),
      0,
    ),
  );
  // The upper half, or across the end of the lower: not here.
  if ((gva + bytes - 1) >> HALF_LSB) return false;
  const half = load<u64>(row + (usize(min<u32>(bytes, Line.NARROW) - 1) << 3), LINES + Line.HALVES);
  store<u64>(out, gva, Record.GVA);
  store<u64>(out, ((half >> 32) << 32) | bytes, Record.BYTES);
  const counted = COUNTS + (usize(ctz(load<u32>(row, LINES + Line.COUNT))) >> 1);
  store<u32>(counted, load<u32>(counted) + 1);
  out += Record.SIZE;
  before = end - BACK;
  return true;
}

/** The values of 16 hexadecimal digits; of what is none, 16 or more. Langdale's third way in
 *  0x80.pl/notesen/2022-01-17-validating-hex-parse.html. */
function nibblesOf(
  text: v128,
  toTop: v128,
  six: v128,
  top: v128,
  capital: v128,
  letterA: v128,
  ten: v128,
): v128 {
  const decimal = i8x16.sub(i8x16.sub_sat_u(i8x16.add(text, toTop), six), top);
  const letter = i8x16.add_sat_u(i8x16.sub(v128.and(text, capital), letterA), ten);
  return i8x16.min_u(decimal, letter);
}

function isAbove15(values: v128): bool {
  return i8x16.bitmask(i8x16.gt_u(values, i8x16.splat(15))) != 0;
}

/** Adds four counts of 8 bits to those in scratch memory. */
function count(counts: u32): void {
  for (let at = COUNTS; at < COUNTS + 16; at += 4, counts >>= 8)
    store<u32>(at, load<u32>(at) + (counts & 0xff));
}
