// What an attack is, and what it comes to. DESIGN.md 2: one file an attack.
import type { Generation } from "../chip/chip.ts";
import type { Image } from "../world.ts";
import type { Scene } from "./scene.ts";
import type { TioScene } from "./tio-scene.ts";

/** What an attacker got, or made a guest take for its own: a value it had overwritten (`stale data`), one that nobody wrote
 *  (`altered data`), or one of another page (`other data`). `nothing`: refused, and the guest went on with what is right. */
export type Got =
  | "plaintext"
  | "ciphertext"
  | "stale data"
  | "altered data"
  | "other data"
  | "altered register"
  | "routine ran"
  | "fault"
  | "nothing";

export interface Outcome {
  /** Whether the guest kept what the threat is about: its secret, or the value that it last wrote. */
  protected: boolean;
  got: Got;
  /** How: the last thing that the hardware answered, or where the secret stood. */
  via: string;
}

export interface Attack {
  /** The threat's name, of the protection matrix. */
  threat: string;
  /** What the hypervisor does, in a sentence. */
  title: string;
  /** A guest to attack instead of the usual victim. */
  image?: Image;
  /** Does it, as a real host would, and reports what it got. */
  run(scene: Scene): Outcome;
}

/** An attack on a guest with a device of its own: sev-tio only. */
export interface TioAttack {
  threat: `tio-${string}`;
  title: string;
  tio(scene: TioScene): Outcome;
}

export type AnyAttack = Attack | TioAttack;

/** Whether there is such a thing to attack in a generation. */
export const isFor = (attack: AnyAttack, generation: Generation): boolean =>
  "run" in attack || generation === "sev-tio";
