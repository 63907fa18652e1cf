// tio-replayed-lock: the host sends the device once more what the TSM sent when it locked and started the interface.
import type { TioAttack } from "../attack.ts";

export const tioReplayedLock: TioAttack = {
  threat: "tio-replayed-lock",
  title: "the interface is let go; the hypervisor replays the TSM's LOCK and START to the disk",
  tio(scene) {
    scene.guestWrites();
    const recorded = [...scene.writes];
    scene.unbind();
    // All that went through the disk's mailbox and registers, in the same order.
    for (const request of recorded) scene.bridge.write(...request);
    scene.note(`${recorded.length} writes replayed: the interface is in ${scene.state}`);
    return scene.outcome();
  },
};
