// tio-stale-sdte: the interface is let go, but the host's own entry still leads to the guest's memory.
import * as Nvme from "../../abi/nvme.ts";
import type { TioAttack } from "../attack.ts";
import { DISK } from "../tio-scene.ts";

export const tioStaleSdte: TioAttack = {
  threat: "tio-stale-sdte",
  title:
    "the interface is let go; the hypervisor drives the disk to read and write the memory it still translates to",
  tio(scene) {
    scene.guestWrites();
    scene.unbind();
    const { host } = scene;
    const { spa, gpa } = scene.secretPage;
    const word = (offset: number, value: bigint) => {
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setBigUint64(0, value, true);
      host.write(scene.barOf(DISK) + BigInt(offset), new Uint8Array(bytes.buffer));
    };
    // The guest's own page as the queues of a disk that the host enables.
    word(Nvme.AQA, 0x000f_000fn);
    word(Nvme.ASQ, gpa);
    word(Nvme.ACQ, gpa);
    word(Nvme.CC, 0x0046_0001n);
    host.write(scene.barOf(DISK) + BigInt(Nvme.DOORBELLS), Uint8Array.of(1, 0, 0, 0));
    scene.note("the hypervisor enabled the disk over the guest's page and rang");
    const seen = new Uint8Array(0x1000);
    host.read(spa, seen);
    scene.heard.push(seen);
    return scene.outcome();
  },
};
