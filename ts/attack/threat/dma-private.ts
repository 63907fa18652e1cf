// dma-private: a device of the host's reads and writes the guest's private page by DMA.
import type { Attack } from "../attack.ts";
import { holds, verdictOnMemory, verdictOnReading } from "../verdict.ts";
import { SECRET } from "../victim.ts";

const DEVICE = 8;

export const dmaPrivate: Attack = {
  threat: "dma-private",
  title: "a device that the hypervisor attached reads the secret by DMA, then writes over it",
  run(scene) {
    scene.advance();
    scene.advance();
    const { device, host, vm } = scene;
    host.attach(DEVICE, vm.root);
    const bytes = new Uint8Array(64);
    if (device.read(DEVICE, SECRET, bytes)) scene.note("the device read 64 bytes");
    else scene.refused("the device's read", device.exit());
    if (holds(bytes, scene.witness.secrets[1])) return verdictOnReading(true, "the device's read");
    if (device.write(DEVICE, SECRET, bytes.fill(0x41))) scene.note("the device wrote 64 bytes");
    else scene.refused("the device's write", device.exit());
    scene.finish();
    return verdictOnMemory(scene, () => "altered data");
  },
};
