// replay: the hypervisor saves a page's ciphertext, and puts it back when the guest has written something newer.
import type { Attack } from "../attack.ts";
import { overwrite } from "../overwrite.ts";
import { same, verdictOnMemory } from "../verdict.ts";
import { SECRET } from "../victim.ts";

export const replay: Attack = {
  threat: "replay",
  title: "the hypervisor puts back the ciphertext of an older value, at the same place",
  run(scene) {
    scene.advance();
    const old = scene.ciphertext(SECRET);
    scene.note("the host saved the page's ciphertext");
    scene.advance();
    overwrite(scene, SECRET, old);
    scene.finish();
    return verdictOnMemory(scene, (read) =>
      same(read, scene.witness.secrets[0]) ? "stale data" : "altered data",
    );
  },
};
