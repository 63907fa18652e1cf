// tio-device-replaced: another device is put in the slot after the guest has attested the first.
import { Disk, memoryBlocks } from "../../device/disk.ts";
import type { TioAttack } from "../attack.ts";

export const tioDeviceReplaced: TioAttack = {
  threat: "tio-device-replaced",
  title: "the disk is pulled out after attestation and one of the attacker's plugged in",
  tio(scene) {
    scene.guestWrites();
    const blocks = memoryBlocks(new Uint8Array(0x8000).fill(0x41));
    const heard = scene.heard;
    const write = (offset: number, from: Uint8Array) => {
      heard.push(from.slice());
      blocks.write(offset, from);
    };
    scene.plug({ behaviour: (dma) => new Disk(dma, { ...blocks, write }), vfs: 1 });
    return scene.outcome();
  },
};
