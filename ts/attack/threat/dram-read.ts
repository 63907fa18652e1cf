// dram-read: a cold boot, a stolen DIMM or an interposer on the bus reads the memory chips.
import type { Attack } from "../attack.ts";
import { holds, verdictOnReading } from "../verdict.ts";
import { SECRET } from "../victim.ts";

export const dramRead: Attack = {
  threat: "dram-read",
  title: "a probe reads the page of the secret from the memory chips",
  run(scene) {
    scene.advance();
    const page = new Uint8Array(0x1000);
    scene.dimm.read(scene.spaOf(SECRET), page);
    scene.note("the probe read 4096 bytes");
    return verdictOnReading(holds(page, scene.witness.secrets[0]), "the chips' bytes");
  },
};
