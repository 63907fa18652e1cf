// The loop that runs a batch of trace records without leaving Wasm. It stops for a refusal, whose record it will run again
// from the start; for a transfer, which is the host's business; and for a value that differs from the reference.
import * as Memory from "../ts/abi/memory";
import * as Record from "../ts/abi/record";
import * as Replay from "../ts/abi/replay";
import * as State from "../ts/abi/state";
import { copyFrom, copyTo, locate, locateBoth, write } from "./access";
import { OFFSET, PAGE, PAGE_SHIFT } from "./address";
import { fillImage } from "./flat";
import { refill } from "./refill";
import {
  distance,
  FETCH,
  lacking,
  lookup,
  markStore,
  READ,
  RIGHTS,
  rowOf,
  vcpuTag,
  WRITE,
} from "./tlb";
import {
  deviceWord,
  folded,
  foldedBytes,
  lowest,
  ORDINAL_LSB,
  storedAt,
  storedWord,
} from "./value";

// Wide accesses are gathered here.
const WIDE: usize = Memory.WINDOW;

const RECORD_SHIFT = 4;

// What each narrow handler needs of a page, by OP, four bits each.
const NEEDS: u64 =
  (FETCH << (4 * Record.FETCH)) |
  (READ << (4 * Record.LOAD)) |
  (WRITE << (4 * Record.STORE_1)) |
  (WRITE << (4 * Record.STORE_2)) |
  (WRITE << (4 * Record.STORE_4)) |
  (WRITE << (4 * Record.STORE_8)) |
  (WRITE << (4 * Record.MODIFY_1)) |
  (WRITE << (4 * Record.MODIFY_2)) |
  (WRITE << (4 * Record.MODIFY_4)) |
  (WRITE << (4 * Record.MODIFY_8));

/** Runs records `from` to `count` of the batch. Answers where it stopped, and why in the upper byte. */
export function replay(from: u32, count: u32): u32 {
  const ordinal = load<u64>(Memory.STATE, State.ORDINAL);
  const check = load<u32>(Memory.STATE, State.CHECK_EACH);
  let tag = vcpuTag();
  let i = from;
  while (true) {
    if (!check) i = runHits(i, count, tag);
    if (!check && i < count && isRefilled(i, tag)) continue;
    if (i >= count) return count | (Replay.DONE << Replay.STOP_LSB);
    const stop = step(i, ordinal + i, check);
    tag = vcpuTag();
    if (stop == Replay.DONE) i++;
    else if (stop != AGAIN) return i | (stop << Replay.STOP_LSB);
  }
}

const NO_READ: u64 = ~RIGHTS | READ;
const NO_WRITE: u64 = ~RIGHTS | WRITE;
const NO_FETCH: u64 = ~RIGHTS | FETCH;

/** Runs narrow accesses within pages that the TLB knows, as many as there are from `from` on; answers the first that is something
 *  else. An access that leaves its page ends in one that the row of its first byte does not know. It makes no call: V8 keeps
 *  the loop in registers then, and writes six of them to the stack in each turn otherwise. */
function runHits(from: u32, count: u32, tag: u64): u32 {
  const all = tag | RIGHTS;
  const seed = load<u64>(Memory.STATE, State.SEED);
  const first = load<u64>(Memory.STATE, State.ORDINAL) << ORDINAL_LSB;
  let digest = load<u64>(Memory.STATE, State.DIGEST);
  // Records are named by their place in the batch.
  let at: usize = usize(from) << RECORD_SHIFT;
  const end: usize = usize(count) << RECORD_SHIFT;
  for (; at < end; at += Record.SIZE) {
    const gva = load<u64>(at, Memory.BATCH + Record.GVA);
    const bytes = u64(load<u32>(at, Memory.BATCH + Record.BYTES));
    const row = rowOf(gva);
    const lacks = lacking(row, gva + bytes - 1, all);
    const short = distance(row);
    const op = i32(load<u8>(at, Memory.BATCH + Record.OP));
    // Most records are one of these two, which a comparison tells sooner than the table of handlers.
    if (op == Record.FETCH) {
      if (lacks & NO_FETCH) return stopped(at, digest);
      digest = folded(digest, lowest(load<u64>(usize(gva) + short), bytes));
      continue;
    }
    if (op == Record.LOAD) {
      if (lacks & NO_READ) return stopped(at, digest);
      digest = folded(digest, lowest(load<u64>(usize(gva) + short), bytes));
      continue;
    }
    switch (op) {
      case Record.STORE_1:
        if (lacks & NO_WRITE) return stopped(at, digest);
        put<u8>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed));
        break;
      case Record.STORE_2:
        if (lacks & NO_WRITE) return stopped(at, digest);
        put<u16>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed));
        break;
      case Record.STORE_4:
        if (lacks & NO_WRITE) return stopped(at, digest);
        put<u32>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed));
        break;
      case Record.STORE_8:
        if (lacks & NO_WRITE) return stopped(at, digest);
        put<u64>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed));
        break;
      case Record.MODIFY_1:
        if (lacks & NO_WRITE) return stopped(at, digest);
        digest = addTo<u8>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed), digest);
        break;
      case Record.MODIFY_2:
        if (lacks & NO_WRITE) return stopped(at, digest);
        digest = addTo<u16>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed), digest);
        break;
      case Record.MODIFY_4:
        if (lacks & NO_WRITE) return stopped(at, digest);
        digest = addTo<u32>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed), digest);
        break;
      case Record.MODIFY_8:
        if (lacks & NO_WRITE) return stopped(at, digest);
        digest = addTo<u64>(usize(gva) + short, storedAt(first + momentOf(at), gva, seed), digest);
        break;
      default:
        return stopped(at, digest);
    }
  }
  return stopped(at, digest);
}

function put<T>(place: usize, word: u64): void {
  markStore(place, sizeof<T>());
  store<T>(place, <T>word);
}

/** Answers the digest with what was there before. */
function addTo<T>(place: usize, word: u64, digest: u64): u64 {
  markStore(place, sizeof<T>());
  const old = u64(load<T>(place));
  store<T>(place, <T>(old + word));
  return folded(digest, old);
}

/** How far a record's ordinal is from the batch's, in its place. */
function momentOf(at: usize): u64 {
  return u64(at) << (ORDINAL_LSB - RECORD_SHIFT);
}

function stopped(at: usize, digest: u64): u32 {
  store<u64>(Memory.STATE, digest, State.DIGEST);
  return u32(at >> RECORD_SHIFT);
}

function needOf(op: i32): u64 {
  return (NEEDS >> u64(op << 2)) & 15;
}

/** Whether the TLB knows the page of a narrow access now, by what walks left behind. */
function isRefilled(i: u32, tag: u64): bool {
  const record: usize = Memory.BATCH + (usize(i) << 4);
  const op = i32(load<u8>(record, Record.OP));
  const gva = load<u64>(record, Record.GVA);
  if (op >= Record.TRANSFER_OUT || !needOf(op)) return false;
  if ((u32(gva) & OFFSET) + load<u32>(record, Record.BYTES) > PAGE) return false;
  return refill(gva, needOf(op), tag);
}

/** The TLB knows the page of the record from now on. */
const AGAIN: u32 = 0xff;

/** Any one record: Replay.DONE, AGAIN, or why it stops there. */
function step(i: u32, ordinal: u64, check: u32): u32 {
  const record: usize = Memory.BATCH + (usize(i) << 4);
  const op = i32(load<u8>(record, Record.OP));
  if (op >= Record.TRANSFER_OUT) return Replay.TRANSFER;
  const tag = vcpuTag();
  const gva = load<u64>(record, Record.GVA);
  const bytes = load<u32>(record, Record.BYTES);
  const need = needOf(op);
  if (need && !check && (u32(gva) & OFFSET) + bytes <= PAGE) {
    if (!locate(gva, bytes, need, tag)) return Replay.REFUSED;
    // A page of tables is not remembered for writing.
    if (lookup(gva, tag, need)) return AGAIN;
  }
  if (!access(op, gva, bytes, ordinal, tag)) return Replay.REFUSED;
  if (check && !agrees(check, i, load<u64>(Memory.STATE, State.DIGEST))) return Replay.DIFFERS;
  return Replay.DONE;
}

/** Notes the digest after a record (the reference), or compares it with what the reference noted. */
function agrees(check: u32, i: u32, digest: u64): bool {
  const noted: usize = Memory.EXPECTED + (usize(i) << 3);
  if (check == Replay.COMPARE) return load<u64>(noted) == digest;
  store<u64>(noted, digest);
  return true;
}

/** An access of any size and place. False when refused, before anything happened. */
function access(op: i32, gva: u64, bytes: u32, ordinal: u64, tag: u64): bool {
  const isFetch = op <= Record.FETCH_WIDE;
  const isLoad = op == Record.LOAD || op == Record.LOAD_WIDE;
  const isStore = op >= Record.STORE_1 && op <= Record.STORE_WIDE;
  const need = isFetch ? FETCH : isLoad ? READ : WRITE;
  if (!locateBoth(gva, bytes, need, tag)) return false;
  if (!isStore) {
    copyFrom(gva, bytes, need, tag, WIDE);
    foldBytes(WIDE, bytes);
  }
  if (need != WRITE) return true;
  for (let at: u32 = 0; at < bytes; at += 8) {
    const old = isStore ? 0 : load<u64>(WIDE + at);
    store<u64>(WIDE + at, old + storedWord(ordinal, gva + at));
  }
  copyTo(gva, bytes, tag, WIDE);
  return true;
}

/** Folds `bytes` at a linear address into the digest. */
function foldBytes(from: usize, bytes: u32): void {
  const digest = load<u64>(Memory.STATE, State.DIGEST);
  store<u64>(Memory.STATE, foldedBytes(digest, from, bytes), State.DIGEST);
}

/** The guest writes a page's first contents through the access road. False when refused. */
export function writeImage(gva: u64): bool {
  fillImage(gva, Memory.WINDOW);
  return write(gva, PAGE, Memory.WINDOW);
}

/** Fills Memory.WINDOW with what a device gives for bytes `offset` on of the transfer that is record `ordinal`. */
export function fillTransfer(ordinal: u64, offset: u64, bytes: u32): void {
  for (let at: u32 = 0; at < bytes; at += 8) {
    store<u64>(Memory.WINDOW + at, deviceWord(ordinal, offset + at));
  }
}

/** Folds `bytes` of Memory.WINDOW into the digest. */
export function foldWindow(bytes: u32): void {
  foldBytes(Memory.WINDOW, bytes);
}

/** Notes or compares the digest after a record that the host ran. */
export function agree(i: u32): bool {
  const check = load<u32>(Memory.STATE, State.CHECK_EACH);
  return !check || agrees(check, i, load<u64>(Memory.STATE, State.DIGEST));
}

/** Folds a page of the guest's final memory, read through the access road, into a digest. False when refused. */
export function foldPage(gva: u64): bool {
  const place = locate(gva, PAGE, READ, vcpuTag());
  if (!place) return false;
  const digest = load<u64>(Memory.STATE, State.DIGEST);
  const named = folded(digest, gva >> PAGE_SHIFT);
  store<u64>(Memory.STATE, foldedBytes(named, place, PAGE), State.DIGEST);
  return true;
}
