// tio-wire-inject: whoever sits on the link sends requests of his own, in the clear and as if under the stream.
import * as Prefix from "../../abi/ide-prefix.ts";
import { memoryRequest, type Packet } from "../../pcie/tlp.ts";
import type { TioAttack } from "../attack.ts";
import { DISK } from "../tio-scene.ts";

const FORGED = new Uint8Array(64).fill(0x41);

export const tioWireInject: TioAttack = {
  threat: "tio-wire-inject",
  title:
    "an interposer sends memory requests as the disk, in the clear and under the stream's name",
  tio(scene) {
    scene.link.interposer = (_, octets) => {
      scene.heard.push(octets.slice());
      return [octets];
    };
    scene.guestWrites();
    const { gpa } = scene.secretPage;
    const write = memoryRequest({ requester: DISK, tag: 0, address: gpa, bytes: 64 }, FORGED);
    const read = memoryRequest({ requester: DISK, tag: 1, address: gpa, bytes: 64 });
    const octetsOf = ({ header, data }: Packet) => Uint8Array.from([...header, ...data]);
    for (const packet of [write, read]) scene.link.inject("up", octetsOf(packet));
    // The stream's name is there for all to see.
    const seen = scene.heard.find((octets) => octets[Prefix.FORMAT_TYPE] === Prefix.IDE);
    const id = seen?.[Prefix.STREAM_ID] ?? 0;
    const prefix = Uint8Array.of(Prefix.IDE, (1 << Prefix.T_BIT) | (1 << Prefix.M_BIT), id, 0);
    const forged = Uint8Array.from([...prefix, ...octetsOf(write), ...new Uint8Array(12)]);
    scene.link.inject("up", forged);
    scene.note("two requests in the clear, one with a MAC of zeros");
    return scene.outcome();
  },
};
