// tio-wrong-bdf: the attacker's device sends requests with the Requester ID of the guest's.
import type { TioAttack } from "../attack.ts";
import { DISK } from "../tio-scene.ts";

export const tioWrongBdf: TioAttack = {
  threat: "tio-wrong-bdf",
  title: "the attacker's device reads the guest's memory under the disk's Requester ID",
  tio(scene) {
    scene.guestWrites();
    const { gpa } = scene.secretPage;
    const bytes = new Uint8Array(512);
    // Once in the clear, once over a stream of the attacker's own, with the T bit.
    for (let n = 0; n < 2; n++) {
      const read = scene.forge(DISK, gpa, bytes);
      scene.note(`a read as device ${DISK.toString(16)}: ${read ? "answered" : "refused"}`);
      scene.heard.push(bytes.slice());
      scene.stranger;
    }
    return scene.outcome();
  },
};
