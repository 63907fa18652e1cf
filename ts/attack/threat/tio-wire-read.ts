// tio-wire-read: whoever sits on the link reads every TLP.
import type { TioAttack } from "../attack.ts";

export const tioWireRead: TioAttack = {
  threat: "tio-wire-read",
  title: "an interposer on the link reads every TLP of the disk",
  tio(scene) {
    scene.link.interposer = (_, octets) => {
      scene.heard.push(octets.slice());
      return [octets];
    };
    scene.guestWrites();
    scene.note(`${scene.heard.length} TLPs read`);
    return scene.outcome();
  },
};
