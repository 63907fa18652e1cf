// aliasing: two of the guest's pages are put over one page of memory, so that a write to one changes the other.
import type { Attack } from "../attack.ts";
import { same, verdictOnMemory } from "../verdict.ts";
import { OTHER, SECRET } from "../victim.ts";

export const aliasing: Attack = {
  threat: "aliasing",
  title: "the hypervisor maps two of the guest's pages to one page of memory",
  run(scene) {
    scene.advance();
    scene.advance();
    scene.remap(OTHER, scene.spaOf(SECRET));
    scene.finish();
    return verdictOnMemory(scene, (read) =>
      same(read, scene.witness.others[1]) ? "other data" : "altered data",
    );
  },
};
