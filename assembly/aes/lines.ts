// Chooses the kernel for some lines of a page: two lines are 8 blocks and go bitsliced, with half of a third by tables beside
// them; a line by itself is permuted. Where the binary was made without SIMD, block by block by tables.
import * as Memory from "../../ts/abi/memory";
import * as Slot from "../../ts/abi/slot";
import * as State from "../../ts/abi/state";
import { decryptBlock, encryptBlock } from "./block";
import { decryptLines, encryptLines } from "./generated/bitslice";
import { decryptLine, encryptLine } from "./generated/permute";

/** Bytes of a cache line. */
export const LINE = 64;
const BLOCK = 16;

/** How lines are ciphered from now on: State.TABLES or WIDE. Both give the same bytes. */
export function setKernel(kernel: u32): void {
  store<u32>(Memory.STATE, kernel, State.KERNEL);
}

/** The lines still to be ciphered. */
let rest: u64 = 0;

/** Takes the lowest line out of those that are left: its offset. */
function take(): usize {
  const at = usize(ctz(rest)) * LINE;
  rest &= rest - 1;
  return at;
}

/** Ciphers the lines in `lines`, those at the same offsets of `from` and `to`. The tweak of a block is (low, high) xored with the
 *  16 bytes at its offset from `tweaks`. */
export function cipherLines(
  slot: usize,
  lines: u64,
  low: u64,
  high: u64,
  tweaks: usize,
  from: usize,
  to: usize,
  encrypt: bool,
): void {
  rest = lines;
  if (!ASC_FEATURE_SIMD || load<u32>(Memory.STATE, State.KERNEL) != State.WIDE) {
    while (rest) {
      const at = take();
      cipherBlocks(slot, at, at + LINE, low, high, tweaks, from, to, encrypt);
    }
    return;
  }
  while (popcnt(rest) >= 5) {
    const half = take();
    cipherTwo(slot, low, high, tweaks, half, from, to, encrypt);
    cipherTwo(slot, low, high, tweaks, half + LINE / 2, from, to, encrypt);
  }
  // Nothing is left to go beside the last lines: half of the first again, which costs nothing and gives the same bytes.
  while (rest & (rest - 1))
    cipherTwo(slot, low, high, tweaks, usize(ctz(rest)) * LINE, from, to, encrypt);
  if (!rest) return;
  const rounds = load<u32>(slot, Slot.ROUNDS);
  if (encrypt) encryptLine(slot, rounds, low, high, tweaks, take(), from, to);
  else decryptLine(slot, rounds, low, high, tweaks, take(), from, to);
}

/** Ciphers two lines, and beside them half of one. */
function cipherTwo(
  slot: usize,
  low: u64,
  high: u64,
  tweaks: usize,
  half: usize,
  from: usize,
  to: usize,
  encrypt: bool,
): void {
  const rounds = load<u32>(slot, Slot.ROUNDS);
  const first = take();
  const second = take();
  if (encrypt) encryptLines(slot, rounds, low, high, tweaks, first, second, half, from, to);
  else decryptLines(slot, rounds, low, high, tweaks, first, second, half, from, to);
}

/** Ciphers the blocks at offsets `at` to `end`, one at a time. */
export function cipherBlocks(
  slot: usize,
  at: usize,
  end: usize,
  low: u64,
  high: u64,
  tweaks: usize,
  from: usize,
  to: usize,
  encrypt: bool,
): void {
  const rounds = load<u32>(slot, Slot.ROUNDS);
  for (; at < end; at += BLOCK) {
    const a = low ^ load<u64>(tweaks + at);
    const b = high ^ load<u64>(tweaks + at, 8);
    if (encrypt) encryptBlock(slot + Slot.ENCRYPT, rounds, a, b, from + at, to + at);
    else decryptBlock(slot + Slot.DECRYPT, rounds, a, b, from + at, to + at);
  }
}
