// tio-wire-reorder: whoever sits on the link lets the completion overtake the data.
import type { TioAttack } from "../attack.ts";

export const tioWireReorder: TioAttack = {
  threat: "tio-wire-reorder",
  title: "an interposer holds the disk's data back until its completion has passed",
  tio(scene) {
    scene.guestWrites();
    const held: Uint8Array[] = [];
    scene.link.interposer = (way, octets) => {
      if (way === "up" && octets.length > 200) {
        held.push(octets.slice());
        return [];
      }
      return [octets, ...held.splice(0)];
    };
    return scene.outcome();
  },
};
