// tio-swapped-bar: the host moves the interface's registers away and puts its own device's in their place.
import * as Config from "../../abi/config-space.ts";
import * as SrIov from "../../abi/sr-iov.ts";
import { findExtended } from "../../pcie/config.ts";
import type { TioAttack } from "../attack.ts";
import { DISK, PUPPET } from "../tio-scene.ts";

export const tioSwappedBar: TioAttack = {
  threat: "tio-swapped-bar",
  title: "the hypervisor moves the disk's registers and puts its own device's at their address",
  tio(scene) {
    scene.guestWrites();
    const { bridge } = scene;
    const bar = scene.barOf(DISK);
    const disk = DISK & 0xff00;
    const at = findExtended((o, n) => bridge.read(disk, o, n), SrIov.EXTENDED_CAPABILITY_ID) ?? 0;
    bridge.write(disk, at + SrIov.VF_BAR0, Number((bar + 0x10_0000n) & 0xffff_ffffn), 4);
    bridge.write(PUPPET, Config.BAR0, Number(bar & 0xffff_ffffn), 4);
    bridge.write(PUPPET, Config.BAR0 + 4, Number(bar >> 32n), 4);
    scene.note(`BARs written: the attacker's device answers at 0x${bar.toString(16)}`);
    return scene.outcome();
  },
};
