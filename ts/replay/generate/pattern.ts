// What a synthetic trace is made of: a pattern that adds a few records at a time, and the numbers it draws.

import type { Batch, Kind } from "../record.ts";
import * as Records from "../record.ts";

export interface PatternOptions {
  /** Bytes of memory that the pattern goes over. */
  footprint: number;
  /** 0 to 2^53 - 1. */
  seed: number;
}

/** Adds the next few records, at most STEP_LIMIT. */
export type Pattern = (batch: Batch) => void;

export const STEP_LIMIT = 64;

export const CODE = 0x401000;
export const DATA = 0x10_0000_0000;
export const PAGE = 0x1000;

/** Adds a record whose address is below 2^47. */
export function push(batch: Batch, kind: Kind, gva: number, bytes: number): void {
  const high = Math.floor(gva / 2 ** 32);
  batch.push(gva >>> 0, high, bytes, Records.operation(kind, bytes));
}

/** Number `n` of a stream of 32-bit numbers that the seed names: MurmurHash3's finalizer over a Weyl sequence. For bulk only. */
export function draw(seed: number, n: number): number {
  const [low, high] = [seed >>> 0, Math.floor(seed / 2 ** 32)];
  let word = (Math.imul(n, 0x9e3779b9) + low) ^ Math.imul(high, 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
