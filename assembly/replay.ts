// The loop that runs a batch of trace records without leaving Wasm. It stops for a refusal, whose record it will run again
// from the start; for a transfer, which is the host's business; and for a value that differs from the reference.
import * as Memory from "../ts/abi/memory";
import * as Record from "../ts/abi/record";
import * as Replay from "../ts/abi/replay";
import * as State from "../ts/abi/state";
import { copyFrom, copyTo, locate, locateBoth, write } from "./access";
import { OFFSET, PAGE, PAGE_SHIFT } from "./address";
import { fillImage } from "./flat";
import { FETCH, lookup, markStore, READ, vcpuTag, WRITE } from "./tlb";
import { deviceWord, folded, foldedBytes, lowBytes, storedWord } from "./value";

// Wide accesses are gathered here.
const WIDE: usize = Memory.WINDOW;

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
  const tag = vcpuTag();
  const check = load<u32>(Memory.STATE, State.CHECK_EACH);
  const ordinal = load<u64>(Memory.STATE, State.ORDINAL);
  let digest = load<u64>(Memory.STATE, State.DIGEST);
  let stop: u32 = Replay.DONE;
  let i = from;
  for (; i < count; i++) {
    const record: usize = Memory.BATCH + (usize(i) << 4);
    const op = i32(load<u8>(record, Record.OP));
    const gva = load<u64>(record, Record.GVA);
    const bytes = load<u32>(record, Record.BYTES);
    if (op >= Record.TRANSFER_OUT) {
      stop = Replay.TRANSFER;
      break;
    }
    const need = (NEEDS >> u64(op << 2)) & 15;
    if ((u32(gva) & OFFSET) + bytes > PAGE) {
      if (!wide(op, gva, bytes, ordinal + i, digest, tag)) {
        stop = Replay.REFUSED;
        break;
      }
      digest = wideDigest;
    } else if (!need) {
      // A call of its own: asc copies a function that is called once into its caller, and 117 M accesses/s become 102.
      if (!wide(op, gva, bytes, ordinal + i, digest, tag)) {
        stop = Replay.REFUSED;
        break;
      }
      digest = wideDigest;
    } else {
      let place = lookup(gva, tag, need);
      if (!place) {
        place = locate(gva, bytes, need, tag);
        if (!place) {
          stop = Replay.REFUSED;
          break;
        }
      } else if (need == WRITE) {
        markStore(place, bytes);
      }
      switch (op) {
        case Record.FETCH:
        case Record.LOAD:
          digest = folded(digest, load<u64>(place) & lowBytes(bytes));
          break;
        case Record.STORE_1:
          store<u8>(place, u8(storedWord(ordinal + i, gva)));
          break;
        case Record.STORE_2:
          store<u16>(place, u16(storedWord(ordinal + i, gva)));
          break;
        case Record.STORE_4:
          store<u32>(place, u32(storedWord(ordinal + i, gva)));
          break;
        case Record.STORE_8:
          store<u64>(place, storedWord(ordinal + i, gva));
          break;
        case Record.MODIFY_1: {
          const old = load<u8>(place);
          digest = folded(digest, old);
          store<u8>(place, old + u8(storedWord(ordinal + i, gva)));
          break;
        }
        case Record.MODIFY_2: {
          const old = load<u16>(place);
          digest = folded(digest, old);
          store<u16>(place, old + u16(storedWord(ordinal + i, gva)));
          break;
        }
        case Record.MODIFY_4: {
          const old = load<u32>(place);
          digest = folded(digest, old);
          store<u32>(place, old + u32(storedWord(ordinal + i, gva)));
          break;
        }
        case Record.MODIFY_8: {
          const old = load<u64>(place);
          digest = folded(digest, old);
          store<u64>(place, old + storedWord(ordinal + i, gva));
          break;
        }
      }
    }
    if (check && !agrees(check, i, digest)) {
      stop = Replay.DIFFERS;
      break;
    }
  }
  store<u64>(Memory.STATE, digest, State.DIGEST);
  return i | (stop << Replay.STOP_LSB);
}

/** Notes the digest after a record (the reference), or compares it with what the reference noted. */
function agrees(check: u32, i: u32, digest: u64): bool {
  const noted: usize = Memory.EXPECTED + (usize(i) << 3);
  if (check == Replay.COMPARE) return load<u64>(noted) == digest;
  store<u64>(noted, digest);
  return true;
}

let wideDigest: u64 = 0;

/** An access of more than 8 bytes, of an odd size, or across a page boundary. Answers 0 when refused, before anything happened. */
function wide(op: i32, gva: u64, bytes: u32, ordinal: u64, digest: u64, tag: u64): usize {
  const isFetch = op <= Record.FETCH_WIDE;
  const isLoad = op == Record.LOAD || op == Record.LOAD_WIDE;
  const isStore = op >= Record.STORE_1 && op <= Record.STORE_WIDE;
  const need = isFetch ? FETCH : isLoad ? READ : WRITE;
  if (!locateBoth(gva, bytes, need, tag)) return 0;
  wideDigest = digest;
  if (!isStore) {
    copyFrom(gva, bytes, need, tag, WIDE);
    wideDigest = foldedBytes(digest, WIDE, bytes);
  }
  if (need != WRITE) return WIDE;
  for (let at: u32 = 0; at < bytes; at += 8) {
    const old = isStore ? 0 : load<u64>(WIDE + at);
    store<u64>(WIDE + at, old + storedWord(ordinal, gva + at));
  }
  copyTo(gva, bytes, tag, WIDE);
  return WIDE;
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
  const digest = load<u64>(Memory.STATE, State.DIGEST);
  store<u64>(Memory.STATE, foldedBytes(digest, Memory.WINDOW, bytes), State.DIGEST);
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
