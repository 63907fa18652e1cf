// tio-wire-drop: whoever sits on the link drops data and lets the completion through.
import type { TioAttack } from "../attack.ts";

export const tioWireDrop: TioAttack = {
  threat: "tio-wire-drop",
  title: "an interposer drops the disk's data and lets its completion through",
  tio(scene) {
    scene.guestWrites();
    let dropped = 0;
    scene.link.interposer = (way, octets) => {
      const drop = way === "up" && octets.length > 200;
      if (drop) dropped++;
      return drop ? [] : [octets];
    };
    const outcome = scene.outcome();
    scene.note(`${dropped} TLPs dropped`);
    return outcome;
  },
};
