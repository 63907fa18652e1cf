// The memory engine's cipher over pages: XEX with a linear tweak of the system physical address, or XTS with the frame
// number as data unit (IEEE 1619). Spec digest aes-engine.md 1 to 3.
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Slot from "../ts/abi/slot";
import * as State from "../ts/abi/state";
import { PAGE } from "./address";
import { encryptBlock } from "./aes/block";
import { cipherBlocks, cipherLines, LINE } from "./aes/lines";
import { slotOf } from "./slots";

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
  cipher(page, key, lines, from, to, true);
}

/** Encrypts one line, by number, as encryptLines does. */
export function encryptLine(page: u32, key: u32, line: u32, from: usize, to: usize): void {
  cipher(page, key, u64(1) << u64(line), from, to, true);
}

/** Decrypts a whole page from one frame to another (or in place) under a key. */
export function decryptPage(page: u32, key: u32, from: usize, to: usize): void {
  cipher(page, key, EVERY_LINE, from, to, false);
}

/** Decrypts one line, by number, as decryptPage does. */
export function decryptLine(page: u32, key: u32, line: u32, from: usize, to: usize): void {
  cipher(page, key, u64(1) << u64(line), from, to, false);
}

function cipher(page: u32, key: u32, lines: u64, from: usize, to: usize, encrypt: bool): void {
  if (key == Frame.RAW) return copyLines(lines, from, to);
  const slot = slotOf(key);
  // VMRUN, walks and the IOMMU refuse an ASID whose slot is not active: here the kernels' rounds would not end.
  assert(load<u32>(slot, Slot.ROUNDS) != 0);
  if (load<u32>(Memory.STATE, State.CIPHER) == State.XTS || load<u32>(slot, Slot.XTS)) {
    fillUnitTweaks(slot, u64(page), PAGE);
    return cipherLines(slot, lines, 0, 0, UNIT_TWEAK, from, to, encrypt);
  }
  const low = pageTweak(page, 0);
  const high = pageTweak(page, 8);
  cipherLines(slot, lines, low, high, Memory.OFFSET_TWEAK, from, to, encrypt);
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

// The tweaks of a data unit's blocks, made before its first block.
const UNIT_TWEAK: usize = Memory.SCRATCH;
// What a tweak's doubling carries out of either half. In memory, for V8 builds a constant anew where it is used.
const CARRIES: usize = memory.data<u64>([0x87, 1], 16);

/** Fills the tweaks of a data unit of up to a page: the number encrypted, then times x each. IEEE 1619-2018, 5.3. */
function fillUnitTweaks(slot: usize, unit: u64, bytes: usize): void {
  store<u64>(UNIT_TWEAK, unit);
  store<u64>(UNIT_TWEAK, 0, 8);
  const rounds = load<u32>(slot, Slot.ROUNDS);
  encryptBlock(slot + Slot.XTS_TWEAK, rounds, 0, 0, UNIT_TWEAK, UNIT_TWEAK);
  if (ASC_FEATURE_SIMD) return doubleWide();
  let low = load<u64>(UNIT_TWEAK);
  let high = load<u64>(UNIT_TWEAK, 8);
  const end = UNIT_TWEAK + bytes;
  for (let at = UNIT_TWEAK + 16; at < end; at += 16) {
    const carry = high >> 63;
    high = (high << 1) | (low >> 63);
    low = (low << 1) ^ (carry * 0x87);
    store<u64>(at, low);
    store<u64>(at, high, 8);
  }
}

/** As the loop of fillUnitTweaks, for a whole page: a quarter each from four tweaks, for one waits for the one before it. */
function doubleWide(): void {
  let a = v128.load(UNIT_TWEAK);
  let b = timesX64(a);
  let c = timesX64(b);
  let d = timesX64(c);
  const carries = v128.load(CARRIES);
  for (let at = UNIT_TWEAK; at < UNIT_TWEAK + PAGE / 4; at += 16) {
    v128.store(at, a);
    v128.store(at, b, 1 * (PAGE / 4));
    v128.store(at, c, 2 * (PAGE / 4));
    v128.store(at, d, 3 * (PAGE / 4));
    a = timesX(a, carries);
    b = timesX(b, carries);
    c = timesX(c, carries);
    d = timesX(d, carries);
  }
}

/** The sign of each half carries into the other; x^128 = x^7 + x^2 + x + 1. */
function timesX(tweak: v128, carries: v128): v128 {
  const signs = i32x4.shr_s(i32x4.shuffle(tweak, tweak, 3, 3, 1, 1), 31);
  return v128.xor(i64x2.add(tweak, tweak), v128.and(signs, carries));
}

function timesX64(tweak: v128): v128 {
  const low = i64x2.extract_lane(tweak, 0);
  const high = i64x2.extract_lane(tweak, 1);
  return i64x2(
    high ^ (high << 1) ^ (high << 2) ^ (high << 7),
    low ^ (high >>> 63) ^ (high >>> 62) ^ (high >>> 57),
  );
}

/** One XTS data unit of whole blocks, up to a page. */
export function xtsUnit(
  slot: usize,
  unit: u64,
  from: usize,
  to: usize,
  bytes: usize,
  encrypt: bool,
): void {
  fillUnitTweaks(slot, unit, bytes);
  const whole = bytes / LINE;
  const lines = whole ? EVERY_LINE >> u64(64 - whole) : 0;
  cipherLines(slot, lines, 0, 0, UNIT_TWEAK, from, to, encrypt);
  cipherBlocks(slot, whole * LINE, bytes, 0, 0, UNIT_TWEAK, from, to, encrypt);
}
