// What an operator of ordinary VMs is used to, tried on guests of each generation, and what came of it. DESIGN.md 2.
import type { Scene } from "./scene.ts";

export interface LossOutcome {
  /** Whether the operator got what is usual without confidential computing. */
  works: boolean;
  /** What came of the attempt, in a few words. */
  got: string;
  /** How: what the hardware or the firmware answered, or what was found. */
  via: string;
}

export interface Loss {
  /** Its name, of the table. */
  loss: string;
  /** What the operator does, in a sentence. */
  title: string;
  /** Does it, on a guest of its own or on the scene's, as a willing host would, and reports what came of it. */
  run(scene: Scene): LossOutcome;
}
