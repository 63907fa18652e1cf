// What replay and corruption share: bytes put into a guest's page by every way a host has.
import type { Scene } from "./scene.ts";

/** Stores at a gpa of the victim. Where the RMP refuses, the host takes the page away, stores, and gives it back at the same gpa. */
export function overwrite(scene: Scene, gpa: bigint, bytes: Uint8Array): void {
  const spa = scene.spaOf(gpa);
  if (scene.write(spa, bytes)) return;
  scene.takeBack(spa);
  scene.write(spa, bytes);
  scene.assign(spa, gpa);
}
