// overcommit: the host writes a page of the guest's out, gives its frame to somebody else, and brings it back in another.
import type { Loss } from "../loss.ts";
import type { Scene } from "../scene.ts";
import { verdictOnMemory } from "../verdict.ts";
import { SECRET } from "../victim.ts";

const PAGE = 0x1000;

export const overcommit: Loss = {
  loss: "overcommit",
  title: "the host swaps a private page out and in again, without asking the firmware",
  run(scene) {
    scene.advance();
    scene.advance();
    const saved = swapOut(scene);
    swapIn(scene, saved);
    scene.finish();
    const { protected: kept, got, via } = verdictOnMemory(scene, () => "altered data");
    const works = kept && got === "nothing";
    return {
      works,
      got: works ? "its own value" : got,
      via: works ? "the guest read what it wrote" : via,
    };
  },
};

/** The page's bytes, as the host sees them; its frame is somebody else's then. */
function swapOut(scene: Scene): Uint8Array {
  const spa = scene.spaOf(SECRET);
  const saved = new Uint8Array(PAGE);
  scene.host.read(spa, saved, scene.hostKey !== 0n);
  if (scene.features.snp) scene.takeBack(spa);
  scene.host.write(spa, new Uint8Array(PAGE), scene.hostKey !== 0n);
  scene.note(`the page went out of spa 0x${spa.toString(16)}, which is zeroed`);
  return saved;
}

function swapIn(scene: Scene, saved: Uint8Array): void {
  const spa = scene.hypervisor.parts.pages.small();
  scene.host.write(spa, saved, scene.hostKey !== 0n);
  if (scene.features.snp) scene.assign(spa, SECRET);
  scene.remap(SECRET, spa);
}
