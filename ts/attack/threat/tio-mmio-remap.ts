// tio-mmio-remap: the host points the guest's registers at those of its own device, in tables that it owns.
import type { TioAttack } from "../attack.ts";
import { DISK, PUPPET } from "../tio-scene.ts";

export const tioMmioRemap: TioAttack = {
  threat: "tio-mmio-remap",
  title: "the hypervisor maps its own device's registers where the guest has the disk's",
  tio(scene) {
    scene.guestWrites();
    const { host, vm, registers } = scene;
    const entry = host.nestedEntry(vm.root, registers);
    const other = entry - scene.barOf(DISK) + scene.barOf(PUPPET);
    for (let page = 0n; page < 4n; page++) {
      host.mapNested(vm.root, registers + page * 0x1000n, other + page * 0x1000n, 0, []);
    }
    host.flushAsid(vm.asid);
    scene.note("nested tables: the guest's registers are the attacker's device's");
    return scene.outcome();
  },
};
