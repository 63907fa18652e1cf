// The models of a replay: one for each way in which a generation uses the part; generations that use it alike share one.

import * as Layout from "../../abi/model.ts";
import * as Record from "../../abi/record.ts";
import type { ChipName, Generation } from "../../chip/chip.ts";
import { type Features, featuresOf } from "../../chip/chip.ts";
import { Misuse } from "../../error.ts";
import type { PageSize } from "../../hypervisor/vm.ts";
import type { CoreModule } from "../../structural.ts";
import type { Events, ModelSettings } from "../report.ts";
import { isEncrypted, type Numa } from "./charges.ts";
import { type Costs, costsOf } from "./costs.ts";
import { type Backing, Model, type ModelOptions } from "./model.ts";
import { type Modelled, modelledOf } from "./modelled.ts";

export const BASELINE: Generation = "none";

export interface ModellingOptions {
  chip: ChipName;
  pageSize: PageSize;
  numa: Numa;
  backing: Backing;
  vms: number;
  overrides: Partial<Costs>;
  module?: CoreModule | undefined;
}

/** What a machine counted. */
export interface MachineCounts {
  events: Events;
  exits: ReadonlyMap<number, number>;
  /** CPUID that the guest's #VC answered itself. */
  answered: number;
  /** Pages whose state the guest changed: an RMPUPDATE and a PVALIDATE each. */
  changed: number;
}

/** Transfers that nobody waits for: the device acts on its own. */
export interface Unawaited {
  ins: number;
  outs: number;
  bytes: number;
}

const OPS: ReadonlyMap<number, number> = new Map([
  [Record.DMA_OUT, Record.TRANSFER_OUT],
  [Record.DMA_IN, Record.TRANSFER_IN],
]);

export class Modelling {
  readonly settings: ModelSettings;
  readonly #options: Omit<ModelOptions, "features" | "numa">;
  readonly #numa: Numa;
  readonly #models = new Map<string, Model>();
  readonly #unawaited: Unawaited = { ins: 0, outs: 0, bytes: 0 };

  constructor(
    { chip, overrides, numa, vms, ...rest }: ModellingOptions,
    generations: Generation[],
  ) {
    if (!Number.isSafeInteger(vms) || vms < 1) throw new Misuse(`vms: ${vms}, expected 1 or more`);
    this.#options = { ...rest, vms, costs: costsOf(chip, overrides) };
    this.settings = { backing: rest.backing, vms, costs: overrides };
    this.#numa = numa;
    this.#modelOf(featuresOf(BASELINE), "local");
    for (const generation of generations) this.#modelOf(featuresOf(generation), numa);
  }

  /** Runs the first `length` records of a batch through each model. */
  run(records: Uint8Array, length: number): void {
    const moved = this.#asTransfers(records, length);
    for (const model of this.#models.values()) model.run(moved, length);
  }

  /** DMA goes through the caches, and is copied, as a transfer is. */
  #asTransfers(records: Uint8Array, length: number): Uint8Array {
    let copy: Uint8Array | undefined;
    for (let at = 0; at < length * Record.SIZE; at += Record.SIZE) {
      const op = records[at + Record.OP] as number;
      if (op < Record.DMA_OUT) continue;
      copy ??= records.slice();
      copy[at + Record.OP] = OPS.get(op) as number;
      if (op === Record.DMA_IN) this.#unawaited.ins++;
      else this.#unawaited.outs++;
      const view = new DataView(copy.buffer, at);
      this.#unawaited.bytes += view.getUint32(Record.BYTES, true);
    }
    return copy ?? records;
  }

  /** The baseline's nanoseconds. */
  base(counts: MachineCounts): number {
    return this.#price(BASELINE, "local", counts).nanoseconds;
  }

  modelled(generation: Generation, counts: MachineCounts, base: number): Modelled {
    return this.#price(generation, this.#numa, counts, base);
  }

  #price(generation: Generation, numa: Numa, counts: MachineCounts, base?: number): Modelled {
    const features = featuresOf(generation);
    const model = this.#modelOf(features, numa);
    const unawaited = this.#unawaited;
    return modelledOf({ ...this.#options, features, numa, model, unawaited, ...counts }, base);
  }

  #modelOf(features: Features, numa: Numa): Model {
    const readers = Array.from({ length: Layout.READERS }, (_, reader) =>
      Number(isEncrypted(features, reader)),
    );
    const name = [features.snp, features.sev && !features.tio, ...readers, numa].join();
    const found = this.#models.get(name);
    if (found) return found;
    const model = new Model({ ...this.#options, features, numa });
    this.#models.set(name, model);
    return model;
  }
}
