// dram-replay: the same on the memory chips, with an interposer. No RMP looks there, and the cipher has no memory: it works in every
// generation. BadRAM (2024) and Battering RAM (2025) are of this kind; SEV-SNP names it as out of its scope.
import type { Attack } from "../attack.ts";
import { same, verdictOnMemory } from "../verdict.ts";
import { SECRET } from "../victim.ts";

export const dramReplay: Attack = {
  threat: "dram-replay",
  title: "an interposer on the memory chips puts back an older value's bytes",
  run(scene) {
    scene.advance();
    const spa = scene.spaOf(SECRET);
    const old = new Uint8Array(0x1000);
    scene.dimm.read(spa, old);
    scene.note("the interposer saved the chips' bytes");
    scene.advance();
    scene.dimm.write(spa, old);
    scene.note("the interposer put them back");
    scene.finish();
    return verdictOnMemory(scene, (read) =>
      same(read, scene.witness.secrets[0]) ? "stale data" : "altered data",
    );
  },
};
