// cloister/attack: the matrix, its attacks, and what an attack of one's own is made of. Re-exports only.
export type { AnyAttack, Attack, Got, Outcome, TioAttack } from "./attack.ts";
export { attacks } from "./attacks.ts";
export { decryptPage, encryptPage } from "./debugger.ts";
export type { Loss, LossOutcome } from "./loss.ts";
export { type LossCell, type LossesOptions, losses, tryLoss, tryLosses } from "./losses.ts";
export {
  type Cell,
  type MatrixOptions,
  matrix,
  type RefusedGeneration,
  runAttack,
} from "./matrix.ts";
export type { Scene, SceneOptions } from "./scene.ts";
export type { TioScene } from "./tio-scene.ts";
export type { Witness } from "./victim.ts";
