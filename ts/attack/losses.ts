// What is lost by generation, found by trying each on a machine of its own.
import { type ChipName, type Generation, generations, lacks } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import type { CoreModule } from "../structural.ts";
import { cpuHotplug } from "./loss/cpu-hotplug.ts";
import { debugRegisters } from "./loss/debug-registers.ts";
import { introspection } from "./loss/introspection.ts";
import { ksm } from "./loss/ksm.ts";
import { memoryHotplug } from "./loss/memory-hotplug.ts";
import { nestedVirtualization } from "./loss/nested-virtualization.ts";
import { overcommit } from "./loss/overcommit.ts";
import type { Loss } from "./loss.ts";
import type { RefusedGeneration } from "./matrix.ts";
import { Scene } from "./scene.ts";

/** In the field guide's order. */
export const losses: readonly Loss[] = [
  nestedVirtualization,
  ksm,
  introspection,
  debugRegisters,
  memoryHotplug,
  cpuHotplug,
  overcommit,
];

/** What came of one loss in one generation. `events` is what happened on the way, a line each. */
export interface LossCell {
  generation: Generation;
  loss: string;
  works: boolean;
  got: string;
  via: string;
  events: string[];
}

export interface LossesOptions {
  /** Default turin. */
  chip?: ChipName;
  /** Default all. */
  generations?: readonly Generation[];
  /** Default 1. */
  seed?: bigint;
  /** Default all. */
  losses?: readonly Loss[];
  /** A core compiled already, for runtimes that forbid compiling. */
  module?: CoreModule;
}

/** Tries every loss in every generation, and gives each when it is known; first the generations that the part lacks. */
export function* tryLosses(options: LossesOptions = {}): Generator<LossCell | RefusedGeneration> {
  const { chip = "turin", seed = 1n, module } = options;
  const wanted = options.generations ?? generations;
  const missing = wanted.map((generation) => lacks(chips[chip], generation));
  for (const [i, refused] of missing.entries())
    if (refused) yield { generation: wanted[i] as Generation, refused };
  for (const loss of options.losses ?? losses)
    for (const [i, generation] of wanted.entries())
      if (!missing[i]) yield tryLoss(loss, generation, { chip, seed, module });
}

/** Tries one on a fresh machine. */
export function tryLoss(
  loss: Loss,
  generation: Generation,
  options: { chip: ChipName; seed: bigint; module?: CoreModule | undefined },
): LossCell {
  const scene = new Scene(generation, options);
  const outcome = loss.run(scene);
  return { generation, loss: loss.loss, ...outcome, events: scene.events };
}
