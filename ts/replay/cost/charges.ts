// What one read costs beyond a hit in the first level: by who reads, how far down, and whether a stream was continued. In whole
// picoseconds, split by cause, so that sums are exact.
import * as Layout from "../../abi/model.ts";
import type { Features } from "../../chip/chip.ts";
import type { Costs } from "./costs.ts";

export type Numa = "local" | "remote";

/** A read's cost by cause. */
export interface Charge {
  base: number;
  remote: number;
  encryption: number;
}

const PICO = 1000;
const LINE = 64;
const DRAM = 3;
const WALKERS: readonly number[] = [Layout.GUEST_TABLE, Layout.NESTED_TABLE, Layout.RMP_ENTRY];
const PRIVATE: readonly number[] = [
  Layout.FETCH,
  Layout.LOAD,
  Layout.STORE,
  Layout.GUEST_TABLE,
  Layout.COPY,
  Layout.FILLING,
];

/** Whose lines are ciphertext in memory: under SME all of the host's and so the guest's; from SEV on what the guest keeps
 *  private. */
export function isEncrypted({ sme, sev }: Features, reader: number): boolean {
  return sme || (sev && PRIVATE.includes(reader));
}

/** Where a cell of Layout.CHARGES and Layout.READS stands. */
export function cellOf(reader: number, level: number, stream: boolean): number {
  return (reader * Layout.LEVELS + level) * 2 + Number(stream);
}

/** Reads of this kind that are under way at once, so that each is charged this part of its latency. */
function overlapOf(costs: Costs, reader: number, stream: boolean): number {
  if (stream) {
    // Little's law: the lines in flight that give one core its bandwidth at the idle latency.
    const lines = (costs.coreBandwidth * costs.dramLatency) / LINE;
    return WALKERS.includes(reader) ? costs.tableWalkers : Math.max(1, lines);
  }
  return reader === Layout.STORE || reader === Layout.FILLING
    ? costs.storeOverlap
    : costs.missOverlap;
}

/** The charge of a cell. */
export function chargeOf(
  costs: Costs,
  features: Features,
  numa: Numa,
  reader: number,
  level: number,
  stream: boolean,
): Charge {
  if (level === 0) return { base: 0, remote: 0, encryption: 0 };
  const overlap = overlapOf(costs, reader, stream);
  const share = (nanoseconds: number) => Math.round((PICO * nanoseconds) / overlap);
  const beyondL1 = (cycles: number) => Math.max(0, cycles - costs.l1Latency) / costs.clock;
  if (level < DRAM) {
    const base = share(beyondL1(level === 1 ? costs.l2Latency : costs.l3Latency));
    return { base, remote: 0, encryption: 0 };
  }
  return {
    base: share(costs.dramLatency),
    remote: numa === "remote" ? share(costs.dramLatency * costs.remote) : 0,
    encryption: isEncrypted(features, reader) ? share(costs.aes) : 0,
  };
}
