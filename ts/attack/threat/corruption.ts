// corruption: the hypervisor flips a bit of the secret's ciphertext.
import type { Attack } from "../attack.ts";
import { overwrite } from "../overwrite.ts";
import { verdictOnMemory } from "../verdict.ts";
import { SECRET } from "../victim.ts";

export const corruption: Attack = {
  threat: "corruption",
  title: "the hypervisor flips a bit of the secret in memory",
  run(scene) {
    scene.advance();
    scene.advance();
    const bytes = scene.ciphertext(SECRET, 64);
    bytes[0] = (bytes[0] as number) ^ 1;
    overwrite(scene, SECRET, bytes);
    scene.finish();
    return verdictOnMemory(scene, () => "altered data");
  },
};
