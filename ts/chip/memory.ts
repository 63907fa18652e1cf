// What a part's caches, TLBs and memory are like, for the cost model: one row a constant, one value a part. docs/cost-model.md.
import type { ChipName } from "./chip.ts";

type Values = [naples: number, rome: number, milan: number, genoa: number, turin: number];
type Row = [unit: string, values: Values, source: string];

const SOG =
  "AMD software optimization guides 55723 (17h), 56305 (17h 30h), 56665 (19h), 57647 (19h 10h), 58455 (1Ah)";
const WALKERS =
  "two on Zen and Zen 2, six from Zen 3 on: AMD at the launch of Zen 3 (AnandTech 16214, WikiChip); Zen 4 and 5 as Zen 3";

export type MemoryKey =
  | "clock"
  | "instructionsPerCycle"
  | "l1iBytes"
  | "l1iWays"
  | "l1dBytes"
  | "l1dWays"
  | "l1Latency"
  | "l2Bytes"
  | "l2Ways"
  | "l2Latency"
  | "l3Bytes"
  | "l3Ways"
  | "l3Latency"
  | "l3Complexes"
  | "itlb1Entries"
  | "itlb2Entries"
  | "itlb2Ways"
  | "itlb2Latency"
  | "dtlb1Entries"
  | "dtlb2Entries"
  | "dtlb2Ways"
  | "dtlb2Latency"
  | "directoryEntries"
  | "tableWalkers"
  | "dramLatency"
  | "coreBandwidth"
  | "socketBandwidth"
  | "bandwidthReached"
  | "meeBandwidth"
  | "rmpFlush";

/** Rows by key. */
export const memoryRows: Record<MemoryKey, Row> = {
  clock: [
    "GHz",
    [3.2, 3.4, 3.675, 3.9, 4.3],
    "maximum boost of EPYC 7601, 7742, 7713, 9334, 9535: AMD's product pages; one busy core is assumed to reach it",
  ],
  instructionsPerCycle: [
    "1/cycle",
    [1.15, 1.32, 1.57, 1.98, 2.32],
    "Milan and Genoa: measured by bench/instructions.ts on EPYCs of family 19h models 01h and 11h, the harmonic mean of gzip (1.31 and 1.40) and sqlite3 (1.97 and 3.37), misses of the first level and mispredicted branches included; Naples and Rome from Milan's, Turin from Genoa's by AMD's published gains of 15 % (Zen 2), 19 % (Zen 3), 17 % (Zen 5, server)",
  ],
  l1iBytes: ["B", [65536, 32768, 32768, 32768, 32768], SOG],
  l1iWays: ["ways", [4, 8, 8, 8, 8], SOG],
  l1dBytes: ["B", [32768, 32768, 32768, 32768, 49152], SOG],
  l1dWays: ["ways", [8, 8, 8, 8, 12], SOG],
  l1Latency: ["cycles", [4, 4, 4, 4, 4], SOG],
  l2Bytes: ["B", [524288, 524288, 524288, 1048576, 1048576], SOG],
  l2Ways: ["ways", [8, 8, 8, 8, 16], SOG],
  l2Latency: ["cycles", [12, 12, 12, 14, 14], SOG],
  l3Bytes: [
    "B",
    [8388608, 16777216, 33554432, 33554432, 33554432],
    "per core complex: AMD's product pages",
  ],
  l3Ways: ["ways", [16, 16, 16, 16, 16], SOG],
  l3Latency: ["cycles", [40, 39, 46, 50, 50], SOG],
  l3Complexes: [
    "count",
    [16, 16, 8, 4, 8],
    "core complexes of a socket of the named models: AMD's product pages",
  ],
  itlb1Entries: ["entries", [64, 64, 64, 64, 64], SOG],
  itlb2Entries: ["entries", [512, 512, 512, 512, 2048], SOG],
  itlb2Ways: ["ways", [8, 8, 8, 8, 8], SOG],
  itlb2Latency: ["cycles", [8, 8, 8, 8, 8], "assumption: as the data side"],
  dtlb1Entries: ["entries", [64, 64, 64, 72, 96], SOG],
  dtlb2Entries: ["entries", [1536, 2048, 2048, 3072, 4096], `${SOG}; for 4 KiB and 2 MiB alike`],
  dtlb2Ways: ["ways", [12, 16, 16, 24, 16], SOG],
  dtlb2Latency: ["cycles", [8, 7, 7, 7, 7], SOG],
  directoryEntries: [
    "entries",
    [64, 64, 64, 64, 64],
    `assumption: the page directory cache of 64 entries (${SOG.slice(0, 31)} 55723), taken as one for the guest's tables and one for the host's, on every part`,
  ],
  tableWalkers: ["count", [2, 2, 6, 6, 6], WALKERS],
  dramLatency: [
    "ns",
    [96, 113, 113, 129, 125],
    "Genoa: AMDESE/AMDSEV#225 with 2 MiB pages. assumption for the others, near what reviews report for an idle socket",
  ],
  coreBandwidth: [
    "GB/s",
    [27, 24, 30, 36, 45],
    "assumption: what one core of such a part reaches in STREAM, from reviews (Naples, Rome) and in proportion (the rest)",
  ],
  socketBandwidth: [
    "GB/s",
    [170.7, 204.8, 204.8, 460.8, 576],
    "channels times rate: 8 x DDR4-2666, 8 x DDR4-3200 (twice), 12 x DDR5-4800, 12 x DDR5-6000; AMD's product pages",
  ],
  bandwidthReached: [
    "ratio",
    [0.8, 0.8, 0.8, 0.8, 0.8],
    "assumption: the part of the theoretical bandwidth that STREAM reaches",
  ],
  meeBandwidth: [
    "GB/s",
    [170.7, 204.8, 204.8, 300, 350],
    "Genoa and Turin: the field guide. assumption for the others: no ceiling below that of the channels",
  ],
  rmpFlush: [
    "0 page, 1 all",
    [1, 1, 1, 1, 0],
    "every core's TLB: MIT, A Close Look at RMP Entry Caching. Turin: the field guide's fewer flushes, read as the page's own entries (assumption)",
  ],
};

export type MemoryTable = Record<MemoryKey, number>;

const COLUMNS: Record<ChipName, number> = { naples: 0, rome: 1, milan: 2, genoa: 3, turin: 4 };

/** One part's values. */
export function memoryOf(chip: ChipName): MemoryTable {
  const values = Object.entries(memoryRows).map(([key, row]) => [key, row[1][COLUMNS[chip]]]);
  return Object.fromEntries(values) as MemoryTable;
}
