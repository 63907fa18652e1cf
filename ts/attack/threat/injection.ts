// injection: the hypervisor injects what the guest never asked for: a system call's vector, and #VC (WeSee, Heckler; 2024).
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/vmcb.ts";
import type { Attack } from "../attack.ts";
import { SYSTEM_CALL } from "../victim.ts";

export const injection: Attack = {
  threat: "injection",
  title: "the hypervisor injects an interrupt of a system call's vector, and #VC",
  run(scene) {
    scene.advance();
    const { vcpu, witness } = scene;
    const events: [string, number, number, number | undefined][] = [
      ["interrupt 0x80", Layout.EVENT_INTR, SYSTEM_CALL, undefined],
      ["#VC", Layout.EVENT_EXCEPTION, Code.VC, Code.VMEXIT_CPUID],
    ];
    for (const [name, type, vector, error] of events) {
      scene.note(`EVENTINJ: ${name}`);
      vcpu.inject(type, vector, error);
      if (!scene.advance()) return { protected: true, got: "fault", via: scene.ended as string };
      if (witness.ran.includes(vector))
        return { protected: false, got: "routine ran", via: `EVENTINJ of ${name}` };
    }
    return { protected: true, got: "nothing", via: "EVENTINJ" };
  },
};
