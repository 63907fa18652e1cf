// remapping: two of the guest's pages change places, in the nested tables and, where there is one, in the RMP.
import type { Attack } from "../attack.ts";
import type { Scene } from "../scene.ts";
import { same, verdictOnMemory } from "../verdict.ts";
import { OTHER, SECRET } from "../victim.ts";

export const remapping: Attack = {
  threat: "remapping",
  title: "the hypervisor exchanges two of the guest's pages",
  run(scene) {
    scene.advance();
    scene.advance();
    const [secret, other] = [scene.spaOf(SECRET), scene.spaOf(OTHER)];
    scene.remap(SECRET, other);
    scene.remap(OTHER, secret);
    if (scene.features.snp) exchangeOwners(scene, secret, other);
    scene.finish();
    const { others } = scene.witness;
    return verdictOnMemory(scene, (read) =>
      others.some((version) => same(read, version)) ? "other data" : "altered data",
    );
  },
};

/** The RMP is told the same story: then the pages' validation is lost. */
function exchangeOwners(scene: Scene, secret: bigint, other: bigint): void {
  scene.assign(secret, OTHER);
  scene.assign(other, SECRET);
}
