// debug-registers: a debugger on the host arms a hardware breakpoint of the guest's.
import * as Vmcb from "../../abi/vmcb.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Cpu, Step } from "../../guest/cpu.ts";
import type { Vcpu } from "../../hypervisor/vcpu.ts";
import type { Vm } from "../../hypervisor/vm.ts";
import { encryptPage, noDebug } from "../debugger.ts";
import type { Loss } from "../loss.ts";
import type { Scene } from "../scene.ts";
import { imageOf } from "./plain-guest.ts";

const ADDRESS = 0x7000n;
/** DR7: breakpoint 0 armed, and the bit that is always 1. APM vol. 2, 13.1.1.4. */
const ARMED = 0x401n;

export const debugRegisters: Loss = {
  loss: "debug-registers",
  title: "the host arms a breakpoint in DR0 and DR7 of a guest whose policy forbids debugging",
  run(scene) {
    const found = { dr0: 0n, dr7: 0n };
    const vm = scene.createVm(
      imageOf((cpu) => guest(cpu, found)),
      { launch: { policy: noDebug(scene) } },
    );
    scene.run(vm);
    const refused = arm(scene, vm);
    const ended = scene.run(vm);
    const via = `${refused}the guest's DR7 is 0x${found.dr7.toString(16)}`;
    if (found.dr7 === ARMED && found.dr0 === ADDRESS)
      return { works: true, got: "a breakpoint", via };
    return { works: false, got: "not armed", via: ended ?? via };
  },
};

function* guest(cpu: Cpu, found: { dr0: bigint; dr7: bigint }): Step {
  yield* cpu.hlt();
  found.dr0 = cpu.registers.dr0;
  found.dr7 = cpu.registers.dr7;
}

/** Sets what the host can reach: all of a guest without SEV-ES; else DR0 as the core keeps it, and by the firmware the VMSA. */
function arm(scene: Scene, vm: Vm): string {
  const vcpu = vm.vcpus[0] as Vcpu;
  if (!scene.features.es) {
    vcpu.setRegister(Vmsa.DR0, ADDRESS);
    vcpu.vmcb.setSaved(Vmsa.DR7, ARMED);
    scene.note("the host set DR0 and DR7");
    return "";
  }
  scene.host.registers[Vmsa.DR0 / 8] = ADDRESS;
  const bytes = new Uint8Array(0x1000);
  new DataView(bytes.buffer).setBigUint64(Vmsa.DR7, ARMED, true);
  const status = encryptPage(scene, vm, vcpu.vmcb.u64(Vmcb.VMSA_PTR), bytes);
  return `the firmware's debugger answers ${status}; `;
}
