// The memory engine's cipher over pages: XEX with a linear tweak of the system physical address, or XTS with the frame
// number as data unit (IEEE 1619). Spec digest aes-engine.md 1 to 3.
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Slot from "../ts/abi/slot";
import * as State from "../ts/abi/state";
import { PAGE } from "./address";
import { decryptBlock, encryptBlock } from "./aes/block";
import { slotOf } from "./slots";

/** Bytes of a cache line. */
export const LINE = 64;
export const EVERY_LINE: u64 = u64.MAX_VALUE;

/** Fills the tweak of each of a page's 256 blocks from the constants of address bits 4 to 11. */
export function fillOffsetTweaks(): void {
  for (let block: usize = 0; block < 256; block++) {
    let low: u64 = 0;
    let high: u64 = 0;
    for (let position: usize = 0; position < 8; position++) {
      if (!((block >> position) & 1)) continue;
      low ^= load<u64>(Memory.TWEAK + ((position + 4) << 4));
      high ^= load<u64>(Memory.TWEAK + ((position + 4) << 4), 8);
    }
    store<u64>(Memory.OFFSET_TWEAK + (block << 4), low);
    store<u64>(Memory.OFFSET_TWEAK + (block << 4), high, 8);
  }
}

/** Encrypts the lines in `lines` of the page from one frame to another (or in place) under a key. */
export function encryptLines(page: u32, key: u32, lines: u64, from: usize, to: usize): void {
  if (key == Frame.RAW) return copyLines(lines, from, to);
  if (load<u32>(Memory.STATE, State.CIPHER) == State.XTS) {
    return xtsLines(page, key, lines, from, to, true);
  }
  const schedule = slotOf(key) + Slot.ENCRYPT;
  const low = pageTweak(page, 0);
  const high = pageTweak(page, 8);
  for (let block: usize = 0; block < 256; block++) {
    if (!((lines >> (block >> 2)) & 1)) continue;
    const tweak = Memory.OFFSET_TWEAK + (block << 4);
    const at = block << 4;
    encryptBlock(schedule, low ^ load<u64>(tweak), high ^ load<u64>(tweak, 8), from + at, to + at);
  }
}

/** Decrypts a whole page from one frame to another (or in place) under a key. */
export function decryptPage(page: u32, key: u32, from: usize, to: usize): void {
  if (key == Frame.RAW) return copyLines(EVERY_LINE, from, to);
  if (load<u32>(Memory.STATE, State.CIPHER) == State.XTS) {
    return xtsLines(page, key, EVERY_LINE, from, to, false);
  }
  const schedule = slotOf(key) + Slot.DECRYPT;
  const low = pageTweak(page, 0);
  const high = pageTweak(page, 8);
  for (let at: usize = 0; at < PAGE; at += 16) {
    const tweak = Memory.OFFSET_TWEAK + at;
    decryptBlock(schedule, low ^ load<u64>(tweak), high ^ load<u64>(tweak, 8), from + at, to + at);
  }
}

function copyLines(lines: u64, from: usize, to: usize): void {
  if (lines == EVERY_LINE) return memory.copy(to, from, PAGE);
  for (let rest = lines; rest; rest &= rest - 1) {
    const at = usize(ctz(rest)) * LINE;
    memory.copy(to + at, from + at, LINE);
  }
}

/** One half (byte 0 or 8) of the part of the tweak that the page number decides. */
function pageTweak(page: u32, half: usize): u64 {
  let tweak: u64 = 0;
  for (let rest = page; rest; rest &= rest - 1) {
    tweak ^= load<u64>(Memory.TWEAK + half + ((usize(ctz(rest)) + 12) << 4));
  }
  return tweak;
}

function xtsLines(page: u32, key: u32, lines: u64, from: usize, to: usize, encrypt: bool): void {
  const slot = slotOf(key);
  xtsUnit(slot, u64(page), lines, from, to, PAGE, encrypt);
}

/** One XTS data unit of whole blocks. IEEE 1619-2018, 5.3; the tweak is multiplied by x after each block. */
export function xtsUnit(
  slot: usize,
  unit: u64,
  lines: u64,
  from: usize,
  to: usize,
  bytes: usize,
  encrypt: bool,
): void {
  const start = Memory.SCRATCH;
  store<u64>(start, unit);
  store<u64>(start, 0, 8);
  encryptBlock(slot + Slot.XTS_TWEAK, 0, 0, start, start);
  let low = load<u64>(start);
  let high = load<u64>(start, 8);
  for (let at: usize = 0; at < bytes; at += 16) {
    if ((lines >> u64(at >> 6)) & 1) {
      if (encrypt) encryptBlock(slot + Slot.ENCRYPT, low, high, from + at, to + at);
      else decryptBlock(slot + Slot.DECRYPT, low, high, from + at, to + at);
    }
    const carry = high >> 63;
    high = (high << 1) | (low >> 63);
    low = (low << 1) ^ (carry * 0x87);
  }
}
