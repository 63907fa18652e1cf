// tio-reset: the host resets the device behind the guest's back and looks for what it left.
import * as Pcie from "../../abi/pcie-capability.ts";
import type { TioAttack } from "../attack.ts";
import { DISK } from "../tio-scene.ts";

export const tioReset: TioAttack = {
  threat: "tio-reset",
  title:
    "the hypervisor resets the disk while the guest uses it, and reads what is left in its registers",
  tio(scene) {
    scene.guestWrites();
    const { bridge, host } = scene;
    const bar = scene.barOf(DISK);
    const control = 0x40 + Pcie.DEVICE_CONTROL;
    bridge.write(DISK & 0xff00, control, 1 << Pcie.INITIATE_FLR_BIT, 2);
    scene.note(`function level reset: the interface is in ${scene.state}`);
    const seen = new Uint8Array(0x1000);
    for (let page = 0n; page < 4n; page++) {
      host.read(bar + page * 0x1000n, seen);
      scene.heard.push(seen.slice());
    }
    return scene.outcome();
  },
};
