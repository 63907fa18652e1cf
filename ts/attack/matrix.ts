// The protection matrix, executed: every attack on every generation, each cell a run of its own.

import { type ChipName, type Generation, generations, lacks } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { BadInput, Misuse } from "../error.ts";
import type { CoreModule } from "../structural.ts";
import { type AnyAttack, type Got, isFor, type Outcome } from "./attack.ts";
import { attacks } from "./attacks.ts";
import { Scene } from "./scene.ts";
import { TioScene } from "./tio-scene.ts";

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
  attacks?: readonly AnyAttack[];
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
      if (lacks(chips[chip], generation) || !isFor(attack, generation)) continue;
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
  attack: AnyAttack,
  generation: Generation,
  options: { chip: ChipName; seed: bigint; module?: CoreModule | undefined },
): Cell {
  const { scene, outcome } = tried(attack, generation, options);
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

function tried(
  attack: AnyAttack,
  generation: Generation,
  options: { chip: ChipName; seed: bigint; module?: CoreModule | undefined },
): { scene: Scene | TioScene; outcome: Outcome } {
  if ("run" in attack) {
    const scene = new Scene(generation, { ...options, image: attack.image });
    return { scene, outcome: attack.run(scene) };
  }
  if (!isFor(attack, generation))
    throw new Misuse(`${attack.threat}: ${generation}, expected sev-tio`);
  const scene = new TioScene(options);
  return { scene, outcome: attack.tio(scene) };
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
