// host-read-memory: the hypervisor maps the guest's page and reads it, without a key and with its own.
import type { Attack } from "../attack.ts";
import { holds, verdictOnReading } from "../verdict.ts";
import { SECRET } from "../victim.ts";

export const hostReadMemory: Attack = {
  threat: "host-read-memory",
  title: "the hypervisor reads the page of the secret, C-bit clear and set",
  run(scene) {
    scene.advance();
    const spa = scene.spaOf(SECRET);
    const page = new Uint8Array(0x1000);
    for (const encrypted of [false, true]) {
      scene.host.read(spa, page, encrypted);
      const how = `a load with the C-bit ${encrypted ? "set" : "clear"}`;
      scene.note(`the host read 4096 bytes by ${how}`);
      if (holds(page, scene.witness.secrets[0])) return verdictOnReading(true, how);
    }
    return verdictOnReading(false, "loads with the C-bit clear and set");
  },
};
