// tio-replayed-lock: the host sends the device once more what the TSM sent when it locked and started the interface.
import type { TioAttack } from "../attack.ts";

export const tioReplayedLock: TioAttack = {
  threat: "tio-replayed-lock",
  title: "the interface is let go; the hypervisor replays the TSM's LOCK and START to the disk",
  tio(scene) {
    scene.guestWrites();
    const recorded = scene.messages.map((object) => object.slice());
    scene.unbind();
    for (const object of recorded) {
      const answer = scene.send(object);
      if (answer) scene.heard.push(answer);
    }
    scene.note(`${recorded.length} messages replayed: the interface is in ${scene.state}`);
    return scene.outcome();
  },
};
