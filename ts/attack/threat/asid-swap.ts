// asid-swap: a VM of the attacker runs under the victim's ASID over its page, at a load in the victim's code (CROSSLINE, 2021).
import * as Segment from "../../abi/segment.ts";
import * as Layout from "../../abi/vmcb.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Vcpu } from "../../hypervisor/vcpu.ts";
import type { Attack, Outcome } from "../attack.ts";
import { describe } from "../describe.ts";
import type { Scene } from "../scene.ts";
import { GADGET, SECRET } from "../victim.ts";

const ENTRY = 0xffff_fff0n;
/** Where the attacker's VM has the victim's page. */
const WINDOW = 0x3000n;

export const asidSwap: Attack = {
  threat: "asid-swap",
  title: "the attacker's own VM runs under the victim's ASID and loads the victim's secret",
  run(scene) {
    scene.advance();
    const accomplice = scene.createVm({
      entry: ENTRY,
      code: new Map([
        [
          ENTRY,
          function* (cpu) {
            if (cpu.features.snp) yield* cpu.pvalidate(WINDOW, false, true);
            yield* cpu.read(WINDOW, new Uint8Array(8));
            yield* cpu.hlt();
          },
        ],
      ]),
    });
    const vcpu = accomplice.vcpus[0] as Vcpu;
    while (accomplice.serve(vcpu, vcpu.run()) === "runs");
    scene.remap(WINDOW, scene.spaOf(SECRET), accomplice);
    vcpu.vmcb.setU32(Layout.GUEST_ASID, scene.vm.asid);
    scene.note(`VMCB: the accomplice has ASID ${scene.vm.asid}`);
    if (!scene.features.es) pointAtGadget(vcpu);
    const exit = vcpu.run();
    scene.note(`the accomplice left: ${describe(exit)}`);
    return verdict(scene, vcpu, describe(exit));
  },
};

function pointAtGadget(vcpu: Vcpu): void {
  vcpu.vmcb.setSaved(Vmsa.CS + Segment.BASE, 0n);
  vcpu.vmcb.setSaved(Vmsa.RIP, GADGET);
  vcpu.setRegister(Vmsa.RSI, WINDOW);
}

function verdict(scene: Scene, vcpu: Vcpu, via: string): Outcome {
  const first = new DataView(scene.witness.secrets[0].buffer).getBigUint64(0, true);
  const plain = !scene.features.es && vcpu.register(Vmsa.RBX) === first;
  if (plain) return { protected: false, got: "plaintext", via: "RBX of the accomplice" };
  return { protected: true, got: "fault", via };
}
