// The protection matrix, executed: every attack on every generation, each cell a run of its own.

import { type ChipName, type Generation, generations, lacks } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { BadInput } from "../error.ts";
import type { CoreModule } from "../structural.ts";
import type { Attack, Got, Outcome } from "./attack.ts";
import { attacks } from "./attacks.ts";
import { Scene } from "./scene.ts";

/** One cell: what an attack came to. `events` is what happened on the way, a line each. */
export interface Cell {
  generation: Generation;
  threat: string;
  protected: boolean;
  got: Got;
  via: string;
  events: string[];
}

/** A generation that the part lacks, and why. */
export interface RefusedGeneration {
  generation: Generation;
  refused: string;
}

export interface MatrixOptions {
  /** Default turin. */
  chip?: ChipName;
  /** Default all. */
  generations?: readonly Generation[];
  /** Default 1. */
  seed?: bigint;
  /** Default the matrix's own. */
  attacks?: readonly Attack[];
  /** A core compiled already, for runtimes that forbid compiling. */
  module?: CoreModule;
}

/** Runs every attack on every generation, and gives each cell when it is known; first the generations that the part lacks. */
export function* matrix(options: MatrixOptions = {}): Generator<Cell | RefusedGeneration> {
  const chip = options.chip ?? "turin";
  const wanted = options.generations ?? generations;
  for (const generation of wanted) {
    const refused = lacks(chips[chip], generation);
    if (refused) yield { generation, refused };
  }
  for (const attack of options.attacks ?? attacks) {
    for (const generation of wanted) {
      if (lacks(chips[chip], generation)) continue;
      yield runAttack(attack, generation, {
        chip,
        seed: options.seed ?? 1n,
        module: options.module,
      });
    }
  }
}

/** Runs one attack on a fresh machine. */
export function runAttack(
  attack: Attack,
  generation: Generation,
  options: { chip: ChipName; seed: bigint; module?: CoreModule | undefined },
): Cell {
  const scene = new Scene(generation, { ...options, image: attack.image });
  const outcome = attack.run(scene);
  checkOutcome(attack.threat, outcome);
  const { got, via } = outcome;
  return {
    generation,
    threat: attack.threat,
    protected: outcome.protected,
    got,
    via,
    events: scene.events,
  };
}

/** A user's attack may answer anything. */
function checkOutcome(threat: string, outcome: Outcome): void {
  const good =
    typeof outcome === "object" &&
    outcome !== null &&
    typeof outcome.protected === "boolean" &&
    typeof outcome.got === "string" &&
    typeof outcome.via === "string";
  if (good) return;
  const seen = JSON.stringify(outcome);
  throw new BadInput(`${threat}: run() answered ${seen}, expected {protected, got, via}`);
}
