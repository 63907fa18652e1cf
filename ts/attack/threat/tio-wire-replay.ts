// tio-wire-replay: whoever sits on the link sends what the disk sent before.
import type { TioAttack } from "../attack.ts";

export const tioWireReplay: TioAttack = {
  threat: "tio-wire-replay",
  title: "an interposer repeats the disk's TLPs of an earlier read instead of the new ones",
  tio(scene) {
    scene.guestWrites();
    const old: Uint8Array[] = [];
    scene.link.interposer = (way, octets) => {
      if (way === "up") old.push(octets.slice());
      return [octets];
    };
    scene.guestReads();
    scene.link.interposer = (way, octets) => (way === "up" ? [old.shift() ?? octets] : [octets]);
    return scene.outcome();
  },
};
