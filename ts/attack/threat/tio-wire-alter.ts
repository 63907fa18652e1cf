// tio-wire-alter: whoever sits on the link changes data on its way to the guest.
import type { TioAttack } from "../attack.ts";

export const tioWireAlter: TioAttack = {
  threat: "tio-wire-alter",
  title: "an interposer changes a byte of what the disk sends",
  tio(scene) {
    scene.guestWrites();
    scene.link.interposer = (way, octets) => {
      const changed = octets.slice();
      if (way === "up" && octets.length > 64) changed[40]! ^= 1;
      return [changed];
    };
    return scene.outcome();
  },
};
