// Lines of valgrind's lackey, a whole address at a time. What is not a well-formed access is left to ts/replay/reader/lackey.ts,
// which knows system calls and says what is wrong. docs/trace-format.md.
import * as Cltr from "../../ts/abi/cltr";
import * as Decode from "../../ts/abi/decode";
import * as Record from "../../ts/abi/record";
import { operationOf, record } from "./record";

const NEWLINE: u32 = 0x0a;
const RETURN: u32 = 0x0d;
const COMMA: u8 = 0x2c;
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

let address: u64 = 0;

/** Reads the hexadecimal digits at `at` into `address`. Answers how many, or 0 where they do not end in a comma within 16. */
function readAddress(at: usize): u32 {
  const text = v128.load(at);
  const commas = i8x16.bitmask(i8x16.eq(text, i8x16.splat(COMMA)));
  const digits = u32(ctz(commas));
  // No comma is 32 zeros.
  if (digits > 15 || digits == 0) return 0;
  const decimal = i8x16.lt_u(i8x16.sub(text, i8x16.splat(0x30)), i8x16.splat(10));
  const lower = v128.or(text, i8x16.splat(0x20));
  const letter = i8x16.lt_u(i8x16.sub(lower, i8x16.splat(0x61)), i8x16.splat(6));
  const good = u32(i8x16.bitmask(v128.or(decimal, letter)));
  const wanted = (u32(1) << digits) - 1;
  if ((good & wanted) != wanted) return 0;
  const values = i8x16.add(v128.and(text, i8x16.splat(15)), v128.and(letter, i8x16.splat(9)));
  // The last digit goes to lane 0; lanes beyond the first digit get an index below 0, which gives 0.
  const order = i8x16.sub(
    i8x16.splat(u8(digits - 1)),
    i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
  );
  const reversed = i8x16.swizzle(values, order);
  const pairs = v128.or(reversed, i16x8.shr_u(reversed, 4));
  const bytes = i8x16.narrow_i16x8_u(v128.and(pairs, i16x8.splat(0xff)), i16x8.splat(0));
  address = i64x2.extract_lane(bytes, 0);
  return digits;
}

/** Decodes lines from `from` to `end` (behind a newline) into up to `records` records of Memory.BATCH, one a line, and stops before
 *  the first line that is anything but a well-formed access. Answers records made and bytes taken, packed by ts/abi/decode.ts. */
export function parseLackey(from: usize, end: usize, records: u32): u32 {
  let at = from;
  let made: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    while (at < end && made < records) {
      if (!isAccess(load<u32>(at) & 0xffffff)) break;
      const digits = readAddress(at + 3);
      if (!digits) break;
      let next = at + 4 + digits;
      let bytes: u32 = 0;
      let digit = u32(load<u8>(next)) - ZERO;
      // Five digits are too many.
      for (const limit = next + 5; digit < 10 && next < limit; digit = u32(load<u8>(next)) - ZERO) {
        bytes = bytes * 10 + digit;
        next++;
      }
      if (digit + ZERO == RETURN) next++;
      if (load<u8>(next) != NEWLINE || bytes - 1 >= u32(Record.ACCESS_LIMIT)) break;
      // The upper half, or across the end of the lower: not here.
      if (address + bytes > u64(1) << 47) break;
      record(made++, address, bytes, operationOf(kind, bytes));
      at = next + 1;
    }
  }
  return (made << Decode.MADE_LSB) | u32(at - from);
}
