// What the model says of one generation, as the report carries it.
import * as Layout from "../../abi/model.ts";
import { type Breakdown, type Counted, instructions, price, total, traffic } from "./price.ts";

/** Accesses of the program up to a latency. */
export interface LatencyBucket {
  /** Nanoseconds, exclusive; the bucket below ends where this begins. */
  below: number;
  accesses: number;
}

/** Misses for each thousand instructions. */
export interface Mpki {
  l1i: number;
  l1d: number;
  l2: number;
  l3: number;
  tlb: number;
}

export interface Modelled {
  /** The sum of `breakdown`. */
  nanoseconds: number;
  /** Over `none` with the same trace, part, page size and local memory. */
  overheadPercent: number;
  /** Whole nanoseconds by cause. */
  breakdown: Breakdown;
  instructions: number;
  mpki: Mpki;
  exitsPerSecond: number;
  /** Read from and written to memory, and how much of it is ciphertext there. */
  memoryBytes: number;
  encryptedBytes: number;
  latency: LatencyBucket[];
}

const PICO = 1000;
const NANO = 1e9;
const THOUSAND = 1000;

/** Prices a generation; `base` is the total of the baseline, its own where there is none yet. */
export function modelledOf(counted: Counted, base?: number): Modelled {
  const breakdown = rounded(price(counted));
  const nanoseconds = total(breakdown);
  const { bytes, encrypted } = traffic(counted);
  const over = base === undefined ? nanoseconds : base;
  return {
    nanoseconds,
    overheadPercent: over > 0 ? round(100 * (nanoseconds / over - 1)) : 0,
    breakdown,
    instructions: instructions(counted.model),
    mpki: mpkiOf(counted),
    exitsPerSecond: nanoseconds > 0 ? Math.round((exitsOf(counted) / nanoseconds) * NANO) : 0,
    memoryBytes: bytes,
    encryptedBytes: encrypted,
    latency: latencyOf(counted),
  };
}

const round = (value: number): number => Math.round(value * THOUSAND) / THOUSAND;

function rounded(lines: Breakdown): Breakdown {
  const entries = Object.entries(lines).map(([name, value]) => [name, Math.round(value)]);
  return Object.fromEntries(entries) as Breakdown;
}

/** Exits that are charged: where memory was there before, none for it. */
function exitsOf({ exits, backing, events }: Counted): number {
  const own = [...exits.values()].reduce((sum, count) => sum + count, 0);
  return own + (backing === "lazy" ? events.npf : 0);
}

function mpkiOf({ model }: Counted): Mpki {
  const misses = (readers: number[], from: number) => {
    let sum = 0;
    for (const reader of readers) {
      for (let level = from; level < Layout.LEVELS; level++) {
        sum += model.reads(reader, level, false) + model.reads(reader, level, true);
      }
    }
    return sum;
  };
  const run = instructions(model) || 1;
  const each = (count: number) => round((THOUSAND * count) / run);
  const program = [Layout.FETCH, Layout.LOAD, Layout.STORE];
  return {
    l1i: each(misses([Layout.FETCH], 1)),
    l1d: each(misses([Layout.LOAD, Layout.STORE], 1)),
    l2: each(misses(program, 2)),
    l3: each(misses(program, 3)),
    tlb: each(model.counter("WALKS") + model.counter("STREAM_WALKS")),
  };
}

function latencyOf({ model }: Counted): LatencyBucket[] {
  return model.histogram().flatMap((accesses, bucket) => {
    if (accesses === 0) return [];
    const power = 2 ** Math.floor(bucket / 2);
    const below = bucket % 2 === 0 ? 1.5 * power : 2 * power;
    return [{ below: below / PICO, accesses }];
  });
}
