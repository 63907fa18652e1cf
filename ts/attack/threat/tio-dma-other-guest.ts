// tio-dma-other-guest: a device that another guest trusts reads and writes this guest's page.
import type { TioAttack } from "../attack.ts";

export const tioDmaOtherGuest: TioAttack = {
  threat: "tio-dma-other-guest",
  title:
    "the attacker's guest trusts the attacker's device, and the hypervisor maps the victim's page into that guest",
  tio(scene) {
    scene.guestWrites();
    const { host, puppet, stranger } = scene;
    const { spa } = scene.secretPage;
    // A page that guest has, in the nested tables that the host owns.
    const gpa = 0x1000n;
    const flags = host.nestedEntry(scene.vm.root, scene.secretPage.gpa) - spa;
    host.mapNested(stranger.root, gpa, spa + flags, 0, []);
    const bytes = new Uint8Array(512);
    scene.note(`the device's read: ${puppet.dma.read(gpa, bytes)}`);
    scene.heard.push(bytes.slice());
    scene.note(`the device's write: ${puppet.dma.write(gpa, bytes.fill(0x41))}`);
    return scene.outcome();
  },
};
