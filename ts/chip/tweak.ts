// The memory engine's tweak constants: one of 16 bytes for each address bit from 4 on, linearly independent over GF(2), so
// that no two blocks of memory share a tweak. DESIGN.md 3; spec digest aes-engine.md 2 and 3.
import { hexToBytes } from "@noble/hashes/utils.js";
import { CheckFailed } from "../error.ts";
import type { Prng } from "../prng.ts";
import type { Chip } from "./chip.ts";

const BLOCK = 16;
const POSITIONS = 64;
const LOWEST = 4;

/** 64 constants of 16 bytes: the part's published ones, and chance for the rest of its address bits. */
export function tweaksOf(chip: Chip, chance: Prng): Uint8Array {
  const tweaks = new Uint8Array(POSITIONS * BLOCK);
  const known = chip.tweaks ?? {};
  const rows: bigint[] = [];
  for (let position = LOWEST; position < chip.physicalBits - chip.reducedBits; position++) {
    const published = known[position];
    const constant = published ? repeated(published) : independent(rows, chance);
    if (reduced(rows, toInteger(constant)) === 0n) {
      throw new CheckFailed(`tweak of address bit ${position}: depends on those below it`);
    }
    rows.push(toInteger(constant));
    tweaks.set(constant, position * BLOCK);
  }
  return tweaks;
}

function repeated(fourBytes: string): Uint8Array {
  return hexToBytes(fourBytes.repeat(BLOCK / 4));
}

/** A constant that no combination of the others equals. */
function independent(rows: bigint[], chance: Prng): Uint8Array {
  for (;;) {
    const constant = chance.bytes(BLOCK);
    if (reduced(rows, toInteger(constant)) !== 0n) return constant;
  }
}

function toInteger(bytes: Uint8Array): bigint {
  return bytes.reduce((integer, byte) => (integer << 8n) | BigInt(byte), 0n);
}

/** What is left of a vector after elimination by the others: 0 when it depends on them. */
function reduced(rows: bigint[], vector: bigint): bigint {
  const pivots: bigint[] = [];
  const reduce = (row: bigint) =>
    pivots.reduce((left, pivot) => ((left ^ pivot) < left ? left ^ pivot : left), row);
  for (const row of rows) {
    const left = reduce(row);
    if (left !== 0n) {
      pivots.push(left);
      pivots.sort((a, b) => (a < b ? 1 : -1));
    }
  }
  return reduce(vector);
}
