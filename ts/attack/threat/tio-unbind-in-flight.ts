// tio-unbind-in-flight: the interface is let go while its requests are still on the wires.
import type { TioAttack } from "../attack.ts";

export const tioUnbindInFlight: TioAttack = {
  threat: "tio-unbind-in-flight",
  title:
    "the disk's writes to the guest are held on the link until the interface was let go, and delivered then",
  tio(scene) {
    scene.guestWrites();
    const held: Uint8Array[] = [];
    scene.link.interposer = (way, octets) => {
      // The disk's posted writes: sub-stream 0.
      if (way === "down" || (octets[1] as number) % 8 !== 0) return [octets];
      held.push(octets.slice());
      return [];
    };
    scene.guestReads();
    scene.link.interposer = undefined;
    scene.unbind();
    for (const octets of held) scene.link.inject("up", octets);
    scene.note(`${held.length} TLPs delivered after the interface was let go`);
    return scene.outcome();
  },
};
