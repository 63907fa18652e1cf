// Records of .cltr. What is not a whole and well-formed record is left to ts/replay/reader/cltr.ts, which reads the end marker
// and says what is wrong. docs/trace-format.md.
import * as Cltr from "../../ts/abi/cltr";
import * as Decoder from "../../ts/abi/cltr-decoder";
import * as Memory from "../../ts/abi/memory";
import * as Record from "../../ts/abi/record";
import { record } from "./record";

const ENDS: usize = Memory.FRAME_TABLE + Decoder.ENDS;
const FETCHED: usize = Memory.FRAME_TABLE + Decoder.FETCHED;
const NEXT_FETCH: usize = ENDS + (Cltr.EXPECTATIONS + Cltr.KIND_FETCH) * 8;
const HANDLERS: usize = Memory.FRAME_TABLE + Decoder.HANDLERS;
const OPERATIONS: usize = Memory.FRAME_TABLE + Decoder.OPERATIONS;
const COUNTS: usize = Memory.FRAME_TABLE + Decoder.COUNTS;
const OFFSETS: usize = Memory.EXPECTED;

const KIND_MASK: u32 = (1 << Cltr.KIND_WIDTH) - 1;
const BYTES_MASK: u32 = (1 << Cltr.BYTES_WIDTH) - 1;
const EXPECTED: u32 = 1 << Cltr.EXPECTED_BIT;
const STOPS: u64 = 0x8080_8080_8080_8080;
const HALF: i64 = 1 << 47;
const TRANSFER_LIMIT: u64 = 1 << 31;

let made: u32 = 0;

/** Decodes from `from` to `end` into up to `records` of Memory.BATCH, with their offsets from `from`, and `before` more, in
 *  Memory.EXPECTED, and stops before the first that is not whole or not well-formed; kinds of version 2 are that if `late`. Adds to
 *  the counts of kinds. Answers records made and bytes taken, packed by ts/abi/cltr-decoder.ts. */
export function parseCltr(from: usize, end: usize, records: u32, before: u32, late: bool): u32 {
  const origin = from - before;
  let at = from;
  made = 0;
  while (true) {
    at = parseUsual(at, end, records, origin);
    if (at >= end || made == records) break;
    const next = parseAny(at, end, late);
    if (next == 0) break;
    store<u32>(OFFSETS + (usize(made++) << 2), u32(at - origin));
    at = next;
  }
  return (made << Decoder.MADE_LSB) | u32(at - from);
}

/** Where a row's next address is expected. An instruction has a row for each kind of its accesses. */
function placeOf(kind: u32, fetched: u32): usize {
  const owned = kind - Cltr.KIND_LOAD <= u32(Cltr.KIND_MODIFY - Cltr.KIND_LOAD);
  const own = (fetched * 4 + kind) & (Cltr.EXPECTATIONS - 1);
  return ENDS + (usize(select(own, Cltr.EXPECTATIONS + kind, owned)) << 3);
}

/** A varint that ends where the lowest of `stops` is set: eight groups of seven bits drawn together. */
function varint(word: u64, stops: u64): u64 {
  const kept = word & (stops ^ (stops - 1)) & ~STOPS;
  const pairs = (kept & 0x007f_007f_007f_007f) | ((kept & 0x7f00_7f00_7f00_7f00) >> 1);
  const fours = (pairs & 0x0000_3fff_0000_3fff) | ((pairs & 0x3fff_0000_3fff_0000) >> 2);
  return (fours & 0x0fff_ffff) | ((fours >> 4) & 0x00ff_ffff_f000_0000);
}

function bytesOf(stops: u64): usize {
  return usize((ctz(stops) >> 3) + 1);
}

/** Zigzag: 0, -1, 1, -2, ... */
function signed(coded: u64): i64 {
  return i64(coded >> 1) ^ -i64(coded & 1);
}

/** Accesses of 1 to 15 bytes in the lower half, of which most traces consist, up to the piece's last few bytes. No call, so that
 *  all stays in registers; fetches wait for each other, so where the next is expected does too. */
function parseUsual(from: usize, end: usize, records: u32, origin: usize): usize {
  const last = end - Cltr.RECORD_LIMIT;
  const full = Memory.BATCH + usize(records) * Record.SIZE;
  const first = Memory.BATCH + usize(made) * Record.SIZE;
  let at = from;
  let out = first;
  let fetched = load<u32>(FETCHED);
  let next = load<i64>(NEXT_FETCH);
  // Three counts of 16 bits, of what is no fetch.
  let operands: u64 = 0;
  while (at < last && out < full) {
    const head = u32(load<u8>(at));
    const handler = u64(load<u8>(HANDLERS + usize(head & ~EXPECTED)));
    if (handler == Decoder.UNUSUAL) break;
    const kind = head & KIND_MASK;
    const bytes = (head >> Cltr.BYTES_LSB) & BYTES_MASK;
    const place = ENDS + (usize((fetched * 4 + kind) & (Cltr.EXPECTATIONS - 1)) << 3);
    let gva = kind == Cltr.KIND_FETCH ? next : load<i64>(place);
    let past = at + 1;
    if (!(head & EXPECTED)) {
      const word = load<u64>(past);
      const stops = ~word & STOPS;
      if (stops == 0) break;
      gva += signed(varint(word, stops));
      past += bytesOf(stops);
    }
    if (u64(gva) > u64(HALF - bytes)) break;
    if (kind == Cltr.KIND_FETCH) {
      fetched = u32(gva);
      next = gva + bytes;
    } else {
      store<i64>(place, gva + bytes);
      operands += u64(1) << (u64(kind) << 4);
    }
    store<u32>(OFFSETS + ((out - Memory.BATCH) >> 2), u32(at - origin));
    store<u64>(out, gva, Record.GVA);
    store<u64>(out, u64(bytes) | (handler << 32), Record.BYTES);
    out += Record.SIZE;
    at = past;
  }
  store<u32>(FETCHED, fetched);
  store<i64>(NEXT_FETCH, next);
  const taken = u32((out - first) / Record.SIZE);
  made += taken;
  let others: u32 = 0;
  for (let kind: u32 = 1; kind < 4; kind++) {
    const seen = u32(operands >> (u64(kind) << 4)) & 0xffff;
    count(kind, seen);
    others += seen;
  }
  count(Cltr.KIND_FETCH, taken - others);
  return at;
}

/** One record of any kind; answers where the next begins, 0 if it is not whole or not well-formed. */
function parseAny(at: usize, end: usize, late: bool): usize {
  const head = u32(load<u8>(at));
  let kind = head & KIND_MASK;
  let bytes = u64((head >> Cltr.BYTES_LSB) & BYTES_MASK);
  let next = at + 1;
  if (kind == Cltr.KIND_HALT) return bytes || head & EXPECTED ? 0 : make(kind, 0, 0, next);
  if (kind == Cltr.KIND_END) {
    kind += u32(bytes);
    bytes = 0;
    if (kind == Cltr.KIND_END || kind >= u32(Cltr.KIND_LIMIT) || !late) return 0;
  }
  if (bytes == 0) {
    const word = load<u64>(next);
    const stops = ~word & STOPS;
    if (stops == 0) return 0;
    bytes = varint(word, stops);
    next += bytesOf(stops);
  }
  const place = placeOf(kind, load<u32>(FETCHED));
  let gva = load<i64>(place);
  if (!(head & EXPECTED)) {
    const word = load<u64>(next);
    const stops = ~word & STOPS;
    if (stops == 0) return 0;
    gva += signed(varint(word, stops));
    next += bytesOf(stops);
  }
  // An exit's is a code, and no size.
  const span = kind == Cltr.KIND_EXIT ? 0 : i64(bytes);
  const least: u64 = kind == Cltr.KIND_EXIT ? 0 : 1;
  if (next > end || bytes < least || bytes > limitOf(kind)) return 0;
  if (gva >= 0 ? gva + span > HALF : gva < -HALF || gva + span > 0) return 0;
  store<i64>(place, gva + span);
  if (kind == Cltr.KIND_FETCH) store<u32>(FETCHED, u32(gva));
  return make(kind, gva, u32(bytes), next);
}

/** The most bytes that a record of a kind may name: limitOf of ts/replay/record.ts. */
function limitOf(kind: u32): u64 {
  if (kind == Cltr.KIND_EXIT) return u32.MAX_VALUE;
  return kind < u32(Cltr.KIND_TRANSFER_OUT) ? Record.ACCESS_LIMIT : TRANSFER_LIMIT;
}

function make(kind: u32, gva: u64, bytes: u32, next: usize): usize {
  const column = min<u32>(bytes, Decoder.COLUMNS - 1);
  count(kind, 1);
  record(made, gva, bytes, load<u8>(OPERATIONS + usize(kind * Decoder.COLUMNS + column)));
  return next;
}

function count(kind: u32, amount: u32): void {
  const at = COUNTS + (usize(kind) << 2);
  store<u32>(at, load<u32>(at) + amount);
}
