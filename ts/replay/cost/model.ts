// One instance of the core that holds only tags: the part's caches and TLBs as one kind of generation uses them.
import * as Memory from "../../abi/memory.ts";
import * as Layout from "../../abi/model.ts";
import * as Record from "../../abi/record.ts";
import type { Features } from "../../chip/chip.ts";
import { type Silicon, silicon } from "../../core/silicon.ts";
import type { PageSize } from "../../hypervisor/vm.ts";
import type { CoreModule } from "../../structural.ts";
import { cellOf, chargeOf, type Numa } from "./charges.ts";
import { type Costs, geometriesOf } from "./costs.ts";

/** How a VM comes to its memory: backed and accepted before the trace begins, or page by page when first touched. */
export type Backing = "prefaulted" | "lazy";

export interface ModelOptions {
  costs: Costs;
  features: Features;
  pageSize: PageSize;
  numa: Numa;
  backing: Backing;
  /** VMs on the socket that do the same at the same time. */
  vms: number;
  module?: CoreModule | undefined;
}

type CounterName =
  | "PICOSECONDS"
  | "FETCHES"
  | "ACCESSES"
  | "ITLB2_HITS"
  | "DTLB2_HITS"
  | "WALKS"
  | "STREAM_WALKS"
  | "FIRST_TOUCHES"
  | "FLUSHES"
  | "WRITTEN_BACK"
  | "WRITTEN_BACK_SHARED"
  | "TRANSFERS_OUT"
  | "TRANSFERS_IN"
  | "BYTES_OUT"
  | "BYTES_IN"
  | "BYTES_COPIED"
  | "SLOTS"
  | "HALTS"
  | "PAGES_FILLED";

// The tables that are one set (geometriesOf).
const RECENT = new Set(["ITLB1", "DTLB1", "DIRECTORIES", "NESTED_DIRECTORIES"]);
// What an entry takes at most: its own, and two chains for each.
const MOST_BYTES = 64;
const RESIDENT = 128 * 0x100000;
// As many records as stay in the first-level cache between the copy and the run.
const AT_ONCE = 1024;
const TOUCHED_ENTRIES = 2 ** 21;
const TAG = 8;
const PICO = 1000;
const LARGE_SHIFT = 21;
const SMALL_SHIFT = 12;

export class Model {
  readonly #silicon: Silicon;

  constructor(options: ModelOptions) {
    const entries = Object.values(geometriesOf(options.costs, options.vms)).reduce(
      (sum, { sets, ways }) => sum + sets * ways,
      0,
    );
    this.#silicon = silicon(RESIDENT + MOST_BYTES * entries, options.module);
    this.#layTables(options);
    this.#set(options);
  }

  /** Runs the first `length` records of a batch. */
  run(records: Uint8Array, length: number): void {
    const { bytes, exports } = this.#silicon;
    for (let done = 0; done < length; done += AT_ONCE) {
      const piece = Math.min(length - done, AT_ONCE);
      bytes.set(records.subarray(Record.SIZE * done, Record.SIZE * (done + piece)), Memory.BATCH);
      exports.model(piece);
    }
  }

  counter(name: CounterName): number {
    return Number(this.#silicon.view.getBigUint64(at(Layout[name]), true));
  }

  /** How often a reader's read ended at a level. */
  reads(reader: number, level: number, stream: boolean): number {
    const cell = at(Layout.READS) + TAG * cellOf(reader, level, stream);
    return Number(this.#silicon.view.getBigUint64(cell, true));
  }

  /** Accesses by latency: two buckets for each power of two of picoseconds. */
  histogram(): number[] {
    const { view } = this.#silicon;
    return Array.from({ length: Layout.BUCKETS }, (_, bucket) =>
      Number(view.getBigUint64(at(Layout.HISTOGRAM) + TAG * bucket, true)),
    );
  }

  #layTables({ costs, vms }: ModelOptions): void {
    const { view, exports } = this.#silicon;
    let next = at(0x1000);
    const take = (bytes: number) => {
      next += bytes;
      return next - bytes;
    };
    for (const [name, { sets, ways }] of Object.entries(geometriesOf(costs, vms))) {
      const row = at(Layout[name as "L1D"]);
      const set = (field: number, value: number) => view.setUint32(row + field, value, true);
      if (RECENT.has(name)) {
        const chains = 2 ** Math.ceil(Math.log2(2 * ways));
        set(Layout.ENTRIES, take((ways + 1) * Layout.ENTRY));
        set(Layout.ENTRY_COUNT, ways + 1);
        set(Layout.CHAINS, take(4 * chains));
        set(Layout.CHAIN_MASK, chains - 1);
      } else {
        set(Layout.TABLE, take(sets * ways * TAG));
        set(Layout.SETS, sets);
        set(Layout.WAYS, ways);
      }
    }
    view.setUint32(at(Layout.TOUCHED), next, true);
    view.setUint32(at(Layout.TOUCHED_MASK), TOUCHED_ENTRIES - 1, true);
    exports.startModel();
  }

  #set(options: ModelOptions): void {
    const { costs, features, pageSize, numa, backing } = options;
    const { view } = this.#silicon;
    const set = (offset: number, value: number) => view.setUint32(at(offset), value, true);
    const cycles = (count: number) => Math.round((PICO * count) / costs.clock);
    set(Layout.PAGE_SHIFT, pageSize === "2m" ? LARGE_SHIFT : SMALL_SHIFT);
    set(Layout.RMP, Number(features.snp));
    set(Layout.BOUNCE, Number(features.sev && !features.tio));
    const dropped = costs.rmpFlush === 0 ? Layout.FLUSH_PAGE : Layout.FLUSH_ALL;
    const state = features.snp ? dropped : Layout.FLUSH_NEVER;
    // Where memory was backed before, no page is new to the RMP.
    set(Layout.FLUSH, backing === "prefaulted" ? Layout.FLUSH_NEVER : state);
    set(Layout.STATE_FLUSH, state);
    set(Layout.FILL, Number(costs.pageFilling > 0));
    set(Layout.HIT_PS, cycles(costs.l1Latency));
    set(Layout.ITLB2_PS, Math.round(cycles(costs.itlb2Latency) / costs.missOverlap));
    set(Layout.DTLB2_PS, Math.round(cycles(costs.dtlb2Latency) / costs.missOverlap));
    for (let reader = 0; reader < Layout.READERS; reader++) {
      for (let level = 0; level < Layout.LEVELS; level++) {
        for (const stream of [false, true]) {
          const charge = chargeOf(costs, features, numa, reader, level, stream);
          const sum = charge.base + charge.remote + charge.encryption;
          set(Layout.CHARGES + 4 * cellOf(reader, level, stream), sum);
        }
      }
    }
  }

  /** What a second-level hit of a TLB is charged, in picoseconds. */
  tlb2(): { fetch: number; data: number } {
    const { view } = this.#silicon;
    const fetch = view.getUint32(at(Layout.ITLB2_PS), true);
    return { fetch, data: view.getUint32(at(Layout.DTLB2_PS), true) };
  }
}

function at(offset: number): number {
  return Memory.FRAME_TABLE + offset;
}
